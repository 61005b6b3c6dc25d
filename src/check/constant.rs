//! What expressions are that need nothing to run: literals, constants made of them, and what is computed from both.
//!
//! Of long texts and bytes only the sizes are kept: `"x".repeat(3_000_000)` is as long as it says, without being made.

use std::collections::HashMap;
use std::rc::Rc;

use oxc::ast::ast::{
    BinaryExpression, BinaryOperator, CallExpression, Expression, NewExpression, Program, TemplateLiteral,
    UnaryOperator, VariableDeclarator,
};
use oxc::ast_visit::{VisitJs, walk_js};
use oxc::semantic::{Scoping, SymbolId};

/// The longest text whose characters are kept.
const KEPT_BYTES: usize = 256 * 1024;

/// The value of an expression, as far as limits are concerned.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Constant {
    Number(f64),
    Text(Text),
    /// A buffer or a typed array of so many bytes.
    Bytes(usize),
}

/// A text, by its sizes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Text {
    /// Bytes in UTF-8.
    pub utf8: usize,
    /// UTF-16 code units.
    pub units: usize,
    /// Whether each character fits into a byte.
    pub narrow: bool,
    /// What it says, unless it is very long.
    pub says: Option<Rc<str>>,
}

impl Text {
    fn of(text: &str) -> Self {
        Self {
            utf8: text.len(),
            units: text.encode_utf16().count(),
            narrow: text.chars().all(|character| character <= '\u{ff}'),
            says: (text.len() <= KEPT_BYTES).then(|| text.into()),
        }
    }

    /// Bytes that V8 writes for it: one a character where that is possible, else two.
    pub fn stored(&self) -> usize {
        if self.narrow { self.units } else { self.units * 2 }
    }

    fn joined(&self, other: &Self) -> Self {
        let says = match (&self.says, &other.says) {
            (Some(one), Some(two)) if one.len() + two.len() <= KEPT_BYTES => {
                Some([&**one, two].concat().into())
            }
            _ => None,
        };
        Self {
            utf8: self.utf8.saturating_add(other.utf8),
            units: self.units.saturating_add(other.units),
            narrow: self.narrow && other.narrow,
            says,
        }
    }

    fn repeated(&self, count: usize) -> Self {
        let says = self.says.as_ref().filter(|says| says.len().saturating_mul(count) <= KEPT_BYTES);
        Self {
            utf8: self.utf8.saturating_mul(count),
            units: self.units.saturating_mul(count),
            narrow: self.narrow,
            says: says.map(|says| says.repeat(count).into()),
        }
    }
}

/// The constants of a file by their names.
pub(super) struct Constants<'s> {
    scoping: &'s Scoping,
    known: HashMap<SymbolId, Constant>,
}

impl<'s> Constants<'s> {
    /// Those of `program`: what `const` declares and is known where it stands.
    pub fn of(program: &Program<'_>, scoping: &'s Scoping) -> Self {
        let mut constants = Self { scoping, known: HashMap::new() };
        constants.visit_program(program);
        constants
    }

    /// What `expression` is, if that is known.
    pub fn value(&self, expression: &Expression<'_>) -> Option<Constant> {
        match expression.without_parentheses() {
            Expression::StringLiteral(literal) => Some(Constant::Text(Text::of(&literal.value))),
            Expression::NumericLiteral(literal) => Some(Constant::Number(literal.value)),
            Expression::TemplateLiteral(template) => self.template(template),
            Expression::BinaryExpression(binary) => self.binary(binary),
            Expression::UnaryExpression(unary) if unary.operator == UnaryOperator::UnaryNegation => {
                Some(Constant::Number(-self.number(&unary.argument)?))
            }
            Expression::NewExpression(new) => self.bytes(new),
            Expression::CallExpression(call) => self.repeat(call),
            Expression::Identifier(name) => {
                let symbol = self.scoping.get_reference(name.reference_id.get()?).symbol_id()?;
                self.known.get(&symbol).cloned()
            }
            Expression::TSAsExpression(cast) => self.value(&cast.expression),
            Expression::TSSatisfiesExpression(cast) => self.value(&cast.expression),
            Expression::TSNonNullExpression(cast) => self.value(&cast.expression),
            _ => None,
        }
    }

    /// The text that `expression` is.
    pub fn text(&self, expression: &Expression<'_>) -> Option<Text> {
        match self.value(expression)? {
            Constant::Text(text) => Some(text),
            Constant::Number(_) | Constant::Bytes(_) => None,
        }
    }

    fn number(&self, expression: &Expression<'_>) -> Option<f64> {
        match self.value(expression)? {
            Constant::Number(number) => Some(number),
            Constant::Text(_) | Constant::Bytes(_) => None,
        }
    }

    fn template(&self, template: &TemplateLiteral<'_>) -> Option<Constant> {
        let mut text = Text::of("");
        for (at, quasi) in template.quasis.iter().enumerate() {
            text = text.joined(&Text::of(quasi.value.cooked.as_ref()?));
            if let Some(expression) = template.expressions.get(at) {
                text = text.joined(&self.text(expression)?);
            }
        }
        Some(Constant::Text(text))
    }

    fn binary(&self, binary: &BinaryExpression<'_>) -> Option<Constant> {
        use BinaryOperator::{Addition, Division, Exponential, Multiplication, ShiftLeft, Subtraction};
        let (left, right) = (self.value(&binary.left)?, self.value(&binary.right)?);
        let (left, right) = match (left, right) {
            (Constant::Text(left), Constant::Text(right)) if binary.operator == Addition => {
                return Some(Constant::Text(left.joined(&right)));
            }
            (Constant::Number(left), Constant::Number(right)) => (left, right),
            _ => return None,
        };
        let number = match binary.operator {
            Addition => left + right,
            Subtraction => left - right,
            Multiplication => left * right,
            Division => left / right,
            Exponential => left.powf(right),
            // Further than that, the operator wraps around.
            ShiftLeft if (0.0..=20.0).contains(&right) && (0.0..1_024.0).contains(&left) => {
                left * right.exp2()
            }
            _ => return None,
        };
        number.is_finite().then_some(Constant::Number(number))
    }

    /// `"text".repeat(count)`.
    fn repeat(&self, call: &CallExpression<'_>) -> Option<Constant> {
        let Expression::StaticMemberExpression(member) = call.callee.without_parentheses() else {
            return None;
        };
        if member.property.name != "repeat" {
            return None;
        }
        let text = self.text(&member.object)?;
        let count = count_of(self.number(call.arguments.first()?.as_expression()?)?)?;
        Some(Constant::Text(text.repeated(count)))
    }

    /// `new Uint8Array(length)` and its like, where the name is the platform's.
    fn bytes(&self, new: &NewExpression<'_>) -> Option<Constant> {
        let Expression::Identifier(class) = &new.callee else { return None };
        let is_platforms = self.scoping.get_reference(class.reference_id.get()?).symbol_id().is_none();
        let width = match class.name.as_str() {
            "ArrayBuffer" | "Uint8Array" | "Int8Array" | "Uint8ClampedArray" => 1,
            "Uint16Array" | "Int16Array" => 2,
            "Uint32Array" | "Int32Array" | "Float32Array" => 4,
            "Float64Array" | "BigInt64Array" | "BigUint64Array" => 8,
            _ => return None,
        };
        let length = count_of(self.number(new.arguments.first()?.as_expression()?)?)?;
        is_platforms.then(|| Constant::Bytes(length.saturating_mul(width)))
    }
}

impl<'a> VisitJs<'a> for Constants<'_> {
    fn visit_variable_declarator(&mut self, declarator: &VariableDeclarator<'a>) {
        if let Some(name) = declarator.id.get_binding_identifier()
            && let (Some(symbol), Some(value)) = (name.symbol_id.get(), &declarator.init)
            && self.scoping.symbol_flags(symbol).is_const_variable()
            && let Some(constant) = self.value(value)
        {
            self.known.insert(symbol, constant);
        }
        walk_js::walk_variable_declarator(self, declarator);
    }
}

/// A whole number of things that fits into memory's addresses.
fn count_of(number: f64) -> Option<usize> {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is in the range of both")]
    let count = (0.0..=9e15).contains(&number).then_some(number as usize)?;
    Some(count)
}
