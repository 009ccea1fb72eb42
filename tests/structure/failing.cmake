# The tests of the structure can fail: each refuses a tree that has one defect, and takes the tree without it.
# cmake -D WORK=folder -P failing.cmake
cmake_minimum_required(VERSION 3.25)
set(licence "// SPDX-License-Identifier: BSD-3-Clause\n")

# A small tree that is in order.
function(make_tree)
  file(REMOVE_RECURSE ${WORK})
  file(WRITE ${WORK}/fathom.hpp "${licence}#include <fathom/ops/one.hpp>\n")
  file(WRITE ${WORK}/core/array.hpp "${licence}#include <vector>\n")
  file(WRITE ${WORK}/core/array.cpp "${licence}#include <fathom/core/array.hpp>\n#include <fmt/format.h>\n")
  file(WRITE ${WORK}/autograd/engine/node.hpp "${licence}")
  file(WRITE ${WORK}/autograd/variable.hpp "${licence}#include <fathom/core/array.hpp>\n")
  file(WRITE ${WORK}/ops/one.hpp "${licence}#include <fathom/autograd/variable.hpp>
/// Twice:
///
///     Variable y = one(x);
///
FATHOM_EXPORT Variable one(const Variable& x);
FATHOM_EXPORT Array best(const Variable& x);
FATHOM_EXPORT std::string_view to_string(Reduce reduce);
namespace detail {
FATHOM_EXPORT Variable inside(const Variable& x);
}\n")
  file(WRITE ${WORK}/ops/one.cpp "${licence}#include <fathom/ops/one.hpp>\n")
  file(WRITE ${WORK}/nn/layer.hpp "${licence}#include <fathom/ops/one.hpp>\n")
  file(WRITE ${WORK}/nn/optim/update/kernel.hpp "${licence}")
  file(WRITE ${WORK}/nn/optim/sgd.hpp "${licence}#include <fathom/nn/layer.hpp>\n")
  file(WRITE ${WORK}/nn/optim/sgd.cpp "${licence}#include <fathom/nn/optim/update/kernel.hpp>\n")
  file(WRITE ${WORK}/tests/one_test.cpp "${licence}  Variable y = one(x);\n")
  file(WRITE ${WORK}/tests/reference/manifest.json "{\"cases\": [{\"op\": \"one\"}]}\n")
  file(WRITE ${WORK}/covered.txt "errors: best\nerrors: one\ngradients: one\nvalue: best\n")
  file(WRITE ${WORK}/docs/ops/one.md
       "# one\n\n| option | |\n| --- | --- |\n| `.two` | x |\n
| op | formula | gradient | kinks and conventions | Chainer | PyTorch |
| --- | --- | --- | --- | --- | --- |
| `one` | x | gy | | | |
| `best(x)` | x | none | | | |

```cpp tests/one_test.cpp\n  Variable y = one(x);\n```\n
See `ops/one.cpp` and [the header](../../ops/one.hpp).\n")
  foreach(page README.md CONTRIBUTING.md CHANGELOG.md docs/tour.md)
    file(WRITE ${WORK}/${page} "text\n")
  endforeach()
endfunction()

function(run test)
  execute_process(COMMAND ${CMAKE_COMMAND} -D ROOT=${WORK} -D NAMES=${WORK}/covered.txt -P ${CMAKE_CURRENT_LIST_DIR}/${test}.cmake
                  RESULT_VARIABLE status OUTPUT_VARIABLE output ERROR_VARIABLE output)
  string(REGEX REPLACE "[ \n]+" " " output "${output}")  # messages are wrapped
  set(status ${status} PARENT_SCOPE)
  set(output "${output}" PARENT_SCOPE)
endfunction()

set(defects 0)
# expect_refused(TEST FILE FROM TO TEXT): with FROM replaced by TO in FILE the test fails and says TEXT.
function(expect_refused test file from to text)
  make_tree()
  file(READ ${WORK}/${file} before)
  string(REPLACE "${from}" "${to}" after "${before}")
  if(after STREQUAL before)
    message(SEND_ERROR "${file} has no ${from}")
  endif()
  file(WRITE ${WORK}/${file} "${after}")
  run(${test})
  string(FIND "${output}" "${text}" found)
  if(status EQUAL 0 OR found EQUAL -1)
    message(SEND_ERROR "${test}: exit status ${status}, or no '${text}', with ${file} changed from '${from}' to '${to}': ${output}")
  endif()
  math(EXPR count "${defects} + 1")
  set(defects ${count} PARENT_SCOPE)
endfunction()

make_tree()
foreach(test includes links ops snippets)
  run(${test})
  if(NOT status EQUAL 0)
    message(SEND_ERROR "${test} refuses a tree that is in order: ${output}")
  endif()
endforeach()

expect_refused(includes core/array.hpp "// SPDX" "// spdx" "core/array.hpp: the first line is not the licence")
expect_refused(includes core/array.cpp "<fathom/core/array.hpp>" "\"array.hpp\"" "not in angle brackets")
expect_refused(includes core/array.cpp "fathom/core/array.hpp" "fathom/ops/one.hpp" "includes ops/one.hpp, against core <- autograd <- ops <- nn")
expect_refused(includes autograd/variable.hpp "core/array.hpp" "nn/layer.hpp" "includes nn/layer.hpp, against")
expect_refused(includes ops/one.cpp "ops/one.hpp" "fathom.hpp" "ops/one.cpp: includes fathom.hpp, against")
expect_refused(includes nn/layer.hpp "ops/one.hpp" "fathom.hpp" "nn/layer.hpp: includes fathom.hpp, against")
expect_refused(includes ops/one.cpp "ops/one.hpp" "ops/two.hpp" "includes ops/two.hpp, which does not exist")
expect_refused(includes fathom.hpp "ops/one.hpp" "ops/two.hpp" "fathom.hpp: includes ops/two.hpp, which does not exist")
expect_refused(includes ops/one.hpp "autograd/variable.hpp" "autograd/engine/node.hpp" "which is not installed")
expect_refused(includes nn/optim/sgd.hpp "nn/layer.hpp" "nn/optim/update/kernel.hpp"
               "nn/optim/sgd.hpp: a public header includes nn/optim/update/kernel.hpp, which is not installed")
expect_refused(includes fathom.hpp "ops/one.hpp" "autograd/engine/node.hpp" "fathom.hpp: includes autograd/engine/node.hpp, which is not installed")
expect_refused(includes core/array.hpp "<vector>" "<fmt/format.h>" "a public header includes <fmt/format.h>")

expect_refused(links docs/ops/one.md "(../../ops/one.hpp)" "(../one.hpp)" "links to ../one.hpp, which does not exist")

expect_refused(ops covered.txt "gradients: one\n" "gradients: done\n" "ops/one.hpp: one lacks gradient checks")
expect_refused(ops covered.txt "errors: one\n" "" "ops/one.hpp: one lacks error tests")
expect_refused(ops covered.txt "errors: best\n" "" "ops/one.hpp: best lacks error tests")
expect_refused(ops covered.txt "value: best\n" "" "ops/one.hpp: best lacks a value test")
expect_refused(ops tests/reference/manifest.json "one" "two" "ops/one.hpp: one lacks a value test")
expect_refused(ops docs/ops/one.md "| `one` |" "| `once` |" "ops/one.hpp: one lacks a row")
expect_refused(ops docs/ops/one.md "| op | formula " "| Op | y " "ops/one.hpp: best lacks a row")
expect_refused(ops docs/ops/one.md "| `best(x)` |" "\n| `best(x)` |" "ops/one.hpp: best lacks a row")
expect_refused(ops ops/one.hpp "Array best(" "Array one(const Array& x);\nFATHOM_EXPORT Variable best(" "best lacks gradient checks")
expect_refused(ops ops/one.hpp "namespace detail" "namespace other" "inside lacks error tests")
expect_refused(ops ops/one.hpp "Variable one" "float one" "ops/one.hpp: one returns float")
expect_refused(ops ops/one.hpp "Variable one" "Variables two" "ops/one.hpp: two lacks gradient checks")
expect_refused(ops ops/one.hpp "FATHOM_EXPORT Variable one" "[[nodiscard]] inline Variable\n  two" "ops/one.hpp: two lacks error tests")

expect_refused(snippets docs/ops/one.md "= one(x)" "= one(y)" "docs/ops/one.md: this is not in tests/one_test.cpp")
expect_refused(snippets docs/ops/one.md "cpp tests/one_test.cpp" "cpp tests/two_test.cpp" "shows tests/two_test.cpp, which does not exist")
expect_refused(snippets docs/ops/one.md "cpp tests/one_test.cpp" "cpp" "a block of C++ that names no file")
expect_refused(snippets docs/ops/one.md "`ops/one.cpp`" "`ops/two.cpp`" "names ops/two.cpp, which does not exist")
expect_refused(snippets ops/one.hpp "y = one(x);" "y = one(x, 2);" "ops/one.hpp: this example is in no source")
message(STATUS "${defects} defects refused")
