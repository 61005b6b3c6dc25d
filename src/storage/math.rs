//! SQL's mathematical functions, which the bundled SQLite is built without and the platform's with.
//!
//! They are registered the first time a statement misses one of them, because most databases never
//! do. Fidelity: <https://www.sqlite.org/lang_mathfunc.html>: arguments that are no numbers and
//! results outside of the domain give NULL; rounding leaves integers as they are.

use std::f64::consts::PI;

/// One function of one or two numbers.
#[derive(Debug)]
pub struct MathFunction {
    /// Name in SQL.
    pub name: &'static str,
    /// Number of arguments.
    pub arguments: u8,
    /// Whether an integer is returned unchanged.
    pub keeps_integers: bool,
    /// The function; a missing second argument is 0. `None` and NaN become NULL.
    pub call: fn(f64, f64) -> Option<f64>,
}

const fn one(name: &'static str, call: fn(f64, f64) -> Option<f64>) -> MathFunction {
    MathFunction { name, arguments: 1, keeps_integers: false, call }
}

const fn two(name: &'static str, call: fn(f64, f64) -> Option<f64>) -> MathFunction {
    MathFunction { name, arguments: 2, keeps_integers: false, call }
}

const fn rounding(name: &'static str, call: fn(f64, f64) -> Option<f64>) -> MathFunction {
    MathFunction { name, arguments: 1, keeps_integers: true, call }
}

/// All of them, by the names that the platform allows.
pub static MATH_FUNCTIONS: &[MathFunction] = &[
    rounding("ceil", |x, _| Some(x.ceil())),
    rounding("ceiling", |x, _| Some(x.ceil())),
    rounding("floor", |x, _| Some(x.floor())),
    rounding("trunc", |x, _| Some(x.trunc())),
    one("ln", |x, _| (x > 0.0).then(|| x.ln())),
    one("log", |x, _| (x > 0.0).then(|| x.log10())),
    one("log10", |x, _| (x > 0.0).then(|| x.log10())),
    one("log2", |x, _| (x > 0.0).then(|| x.log2())),
    two("log", |base, x| (base > 1.0 && x > 0.0).then(|| x.ln() / base.ln())),
    one("exp", |x, _| Some(x.exp())),
    two("pow", |x, y| Some(x.powf(y))),
    two("power", |x, y| Some(x.powf(y))),
    two("mod", |x, y| Some(x % y)),
    one("acos", |x, _| Some(x.acos())),
    one("asin", |x, _| Some(x.asin())),
    one("atan", |x, _| Some(x.atan())),
    two("atan2", |y, x| Some(y.atan2(x))),
    one("cos", |x, _| Some(x.cos())),
    one("sin", |x, _| Some(x.sin())),
    one("tan", |x, _| Some(x.tan())),
    one("cosh", |x, _| Some(x.cosh())),
    one("sinh", |x, _| Some(x.sinh())),
    one("tanh", |x, _| Some(x.tanh())),
    one("acosh", |x, _| Some(x.acosh())),
    one("asinh", |x, _| Some(x.asinh())),
    one("atanh", |x, _| Some(x.atanh())),
    one("sqrt", |x, _| Some(x.sqrt())),
    one("radians", |x, _| Some(x * (PI / 180.0))),
    one("degrees", |x, _| Some(x * (180.0 / PI))),
    MathFunction { name: "pi", arguments: 0, keeps_integers: false, call: |_, _| Some(PI) },
];
