// SPDX-License-Identifier: Apache-2.0
//! `docs/prediction.md`: what the predictors achieve on usage traces, computed whole by one command.

mod figures;
mod page;
mod prose;

pub use figures::{Figures, HORIZONS, PUBLIC, RISKS, Row, TARGETS, calibration, defaults};
pub use page::{calibration_row, default_row, page};
pub use prose::prose;
