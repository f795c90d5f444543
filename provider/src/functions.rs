//! Functions for expressions: pure, without a server, by the code that the server itself uses.

pub(crate) mod cron_next;
pub(crate) mod cron_parse;

use justiam_sdk::api::cron::CronExpr;
use tfplugin::{Check, FunctionError, Parameter};

use crate::checks;

/// The first parameter of functions about cron expressions.
fn expression() -> Parameter {
    Parameter::string("expr").check(Check::text(checks::cron)).markdown(
        "A cron expression, as in `cron_expr`: minute, hour, day of month, month, day of week, or a macro such as `@daily`.",
    )
}

/// The argument of [`expression`].
fn parsed(expr: &str) -> Result<CronExpr, FunctionError> {
    expr.parse().map_err(|error| FunctionError::argument(0, format!("{error}.")))
}
