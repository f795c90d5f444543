//! `cron_parse(expr)`: what a cron expression says.

use justiam_planner::warnings;
use tfplugin::{Function, FunctionError, Signature, Type, model};

use super::{expression, parsed};

/// The function.
pub(crate) struct CronParse;

model! {
    /// What an expression says.
    #[derive(Debug)]
    pub struct Parsed {
        pub minutes: Vec<u8>,
        pub hours: Vec<u8>,
        pub days_of_month: Vec<u8>,
        pub months: Vec<u8>,
        pub days_of_week: Vec<u8>,
        pub fires: String,
        pub warnings: Vec<String>,
    }
}

impl Function for CronParse {
    const NAME: &'static str = "cron_parse";
    type Arguments = (String,);
    type Output = Parsed;

    fn signature(&self) -> Signature {
        let numbers = || Type::list(Type::Number);
        let returns = Type::object([
            ("minutes", numbers()),
            ("hours", numbers()),
            ("days_of_month", numbers()),
            ("months", numbers()),
            ("days_of_week", numbers()),
            ("fires", Type::String),
            ("warnings", Type::list(Type::String)),
        ]);
        Signature::new([expression()], returns).summary("Reads a cron expression.").markdown(
            "Reads a cron expression as the server does, without a server. What the server would refuse is an error. The result is an \
             object:\n\n\
             - `minutes`, `hours`, `days_of_month`, `months`, `days_of_week`: the numbers that each field stands for, in order; Sunday is \
             0. `L`, `15W` and `FRI#2` are another day from month to month, and the list has each day that they can be.\n\
             - `fires`: `fixed_time` where neither the minute nor the hour field starts with `*`, otherwise `interval`. The two meet \
             daylight saving differently: a fixed time that the clocks skip runs right after the gap, and one that they show twice runs \
             once; an interval follows elapsed time.\n\
             - `warnings`: what the author may not expect, at any time and in any zone, such as that a day of month **or** a day of week \
             is enough. Empty for most expressions.",
        )
    }

    fn call(&self, (expr,): Self::Arguments) -> Result<Parsed, FunctionError> {
        let expr = parsed(&expr)?;
        let fields = expr.fields();
        Ok(Parsed {
            minutes: fields.minutes,
            hours: fields.hours,
            days_of_month: fields.days_of_month,
            months: fields.months,
            days_of_week: fields.days_of_week,
            fires: if expr.is_fixed_time() { "fixed_time" } else { "interval" }.to_owned(),
            warnings: warnings::of_expression(&expr).iter().map(ToString::to_string).collect(),
        })
    }
}
