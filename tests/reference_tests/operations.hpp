// SPDX-License-Identifier: BSD-3-Clause
// What the recorded operations are called here. Adding one is adding a line to one of the operations_*.cpp.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <fathom/autograd/variable.hpp>

#include "params.hpp"

namespace fathom::reference {

/// An operation gives Variables, or Arrays where there is no gradient (argmax, running statistics).
struct Output {
  Output(Variable made) : data(made.data()), variable(std::move(made)) {}
  Output(Array made) : data(std::move(made)) {}
  Array data;
  Variable variable;
};
using Outputs = std::vector<Output>;

/// The arguments of one call by name. As with Params, an argument that the table does not ask for is a
/// defect.
class Inputs {
 public:
  void add(std::string name, Array data, bool differentiable);

  /// As a Variable, the same one at each call; throws DTypeError for integers, std::runtime_error when
  /// absent.
  [[nodiscard]] Variable operator[](std::string_view name);
  [[nodiscard]] Variable optional(std::string_view name);  ///< `Variable{}` when absent
  [[nodiscard]] Array array(std::string_view name);
  [[nodiscard]] Array optional_array(std::string_view name);  ///< `Array{}` when absent
  /// The Variable that input number `index` became; undefined when it was used as an Array.
  [[nodiscard]] const Variable& variable(std::size_t index) const { return items_.at(index).variable; }
  [[nodiscard]] std::size_t size() const { return items_.size(); }

  [[nodiscard]] std::vector<std::string> unread() const;

 private:
  struct Item {
    std::string name;
    Array data;
    bool differentiable;
    Variable variable{};
    bool read = false;
  };
  Item* find(std::string_view name);
  Item& require(std::string_view name);

  std::vector<Item> items_;
};

using Operation = std::function<Outputs(Params&, Inputs&)>;
using Operations = std::map<std::string, Operation, std::less<>>;

/// Every operation that can be replayed, by its recorded name.
[[nodiscard]] const Operations& operations();

/// The parts that `operations()` joins.
[[nodiscard]] Operations array_operations();        // joining, repeating, choosing and moving elements
[[nodiscard]] Operations dense_operations();        // convolutions, products
[[nodiscard]] Operations elementwise_operations();  // arithmetic, activations, small graphs of them
[[nodiscard]] Operations image_operations();        // pooling, unpooling, resizing
[[nodiscard]] Operations shape_operations();        // reductions and changes of shape
[[nodiscard]] Operations loss_operations();
[[nodiscard]] Operations training_operations();  // normalization, softmax, dropout

/// Calls the operation; throws std::runtime_error when it left a parameter or an argument unread.
[[nodiscard]] Outputs call(const Operation& operation, const nlohmann::json& params, Inputs& inputs);

}  // namespace fathom::reference
