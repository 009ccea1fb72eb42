// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/nn/train/log/epoch_fields.hpp>

namespace fathom::nn::train {

std::vector<EpochField> epoch_fields(const EpochRecord& record) {
  std::vector<EpochField> fields{{"epoch", record.epoch},
                                 {"epochs", record.epochs},
                                 {"step", record.step},
                                 {"loss", record.loss},
                                 {"accuracy", record.accuracy},
                                 {"learning_rate", record.learning_rate},
                                 {"images_per_second", record.images_per_second},
                                 {"seconds", record.seconds},
                                 {"validation_images", {}},
                                 {"validation_loss", {}},
                                 {"validation_accuracy", {}},
                                 {"validation_top5", {}}};
  if (record.validation) {
    auto* field = fields.data() + fields.size() - 4;
    (field++)->value = record.validation->images;
    (field++)->value = record.validation->loss;
    (field++)->value = record.validation->accuracy;
    field->value = record.validation->top5;
  }
  return fields;
}

}  // namespace fathom::nn::train
