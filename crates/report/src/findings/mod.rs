//! The findings of a run: the data that every output prints. Decisions are made in `judgement`.

mod answer;
mod claim;
mod comparison;
mod part;
mod point;
mod run;
mod scenario;
mod threshold;
mod trial;
mod verdict;

pub use answer::Answer;
pub(crate) use answer::CONDITIONS_BENEATH;
pub use claim::{ClaimFinding, ClaimVerdict};
pub(crate) use comparison::between;
pub use comparison::{ComparedPoint, PointComparison};
pub use part::PartFinding;
pub use point::Point;
pub(crate) use point::{SAMPLES_BEYOND, at_same_value, label_at, unmeasured};
pub use run::{CalibrationFinding, Failure, Findings};
pub(crate) use run::{Judged, ScheduleFact};
pub use scenario::ScenarioFinding;
pub use threshold::{ThresholdFinding, ThresholdOutcome};
pub use trial::{SetAside, Trial};
pub use verdict::Verdict;
