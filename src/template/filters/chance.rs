//! Chance. A seed gives the numbers that Python's `random` gives, so that seeded schedules and passwords of a project
//! stay what they were.

use num_bigint::{BigInt, BigUint, Sign};
use num_integer::Integer;
use num_traits::{Signed, ToPrimitive, Zero};
use rand_mt::Mt;
use sha2::{Digest, Sha512};

use crate::template::engine::arguments::Bound;
use crate::template::engine::number::Number;
use crate::template::engine::print;
use crate::template::engine::run::Scope;
use crate::template::engine::val::Val;
use crate::template::error::{Res, raised};

pub enum Chance {
    Unseeded,
    Seeded(Box<Mt>),
}

impl Chance {
    pub fn new(seed: Option<&Val>) -> Res<Self> {
        let number = match seed {
            None | Some(Val::Null) => return Ok(Chance::Unseeded),
            Some(Val::Str(text)) => number_of_bytes(text.as_bytes()),
            Some(Val::Bytes(bytes)) => number_of_bytes(bytes),
            Some(Val::Float(float)) => BigUint::from(hash_of_float(*float)),
            Some(other) => match Number::of(other).and_then(|number| number.big()) {
                Some(number) => number.magnitude().clone(),
                None => {
                    return Err(raised(
                        "The only supported seed types are: None,\nint, float, str, bytes, and bytearray.",
                    ));
                }
            },
        };
        Ok(Chance::Seeded(Box::new(Mt::new_with_key(words_of(&number)))))
    }

    fn word(&mut self) -> u32 {
        match self {
            Chance::Unseeded => rand::random(),
            Chance::Seeded(twister) => twister.next_u32(),
        }
    }

    fn bits(&mut self, mut count: u64) -> BigUint {
        let mut words = Vec::new();
        while count > 0 {
            let word = self.word();
            words.push(if count < 32 { word >> (32 - count) } else { word });
            count = count.saturating_sub(32);
        }
        BigUint::new(words)
    }

    /// A number below `limit`, which is not zero.
    fn below(&mut self, limit: &BigUint) -> BigUint {
        let count = limit.bits();
        loop {
            let number = self.bits(count);
            if number < *limit {
                return number;
            }
        }
    }

    pub fn index(&mut self, length: usize) -> usize {
        self.below(&BigUint::from(length.max(1))).to_usize().unwrap_or(0)
    }
}

/// Python lengthens a text by its digest and takes all of it as one number.
fn number_of_bytes(bytes: &[u8]) -> BigUint {
    let digest: [u8; 64] = Sha512::digest(bytes).into();
    BigUint::from_bytes_be(&[bytes, &digest].concat())
}

fn words_of(number: &BigUint) -> Vec<u32> {
    let words = number.to_u32_digits();
    if words.is_empty() { vec![0] } else { words }
}

/// Python's `hash()` of a float, as an unsigned number: the value modulo 2^61 - 1.
#[expect(clippy::cast_sign_loss, reason = "Python takes the bits of the hash as they are")]
fn hash_of_float(number: f64) -> u64 {
    const PRIME: u64 = (1 << 61) - 1;
    if !number.is_finite() {
        return if number.is_nan() { 0 } else { (314_159 * number.signum().to_i64().unwrap_or(1)) as u64 };
    }
    let bits = number.abs().to_bits();
    let (exponent, fraction) = (i64::try_from(bits >> 52).unwrap_or(0), bits & ((1 << 52) - 1));
    let (mantissa, exponent) = if exponent == 0 { (fraction, -1074) } else { (fraction | (1 << 52), exponent - 1075) };
    let turn = u32::try_from(exponent.rem_euclid(61)).unwrap_or(0);
    let hash = ((mantissa << turn) & PRIME) | (mantissa >> (61 - turn));
    let hash = if hash == PRIME { 0 } else { hash };
    if number < 0.0 { hash.wrapping_neg() } else { hash }
}

pub fn random(_scope: &Scope, args: Bound) -> Res<Val> {
    let mut chance = Chance::new(args.get(3))?;
    let value = args.val(0);
    if let Some(end) = Number::of(&value).filter(|_| !matches!(value, Val::Float(_))).and_then(|number| number.big()) {
        // Zero counts as not given.
        let given =
            |index: usize| args.some(index).and_then(Number::of).and_then(|it| it.big()).filter(|it| !it.is_zero());
        for index in [1, 2] {
            if args.some(index).is_some_and(|it| matches!(it, Val::Float(_)) || Number::of(it).is_none()) {
                args.int(index, 0)?;
            }
        }
        let (start, step) = (given(1).unwrap_or_default(), given(2).unwrap_or_else(|| BigInt::from(1)));
        let width = &end - &start;
        let choices =
            if step.is_positive() { Integer::div_ceil(&width, &step) } else { Integer::div_ceil(&-&width, &-&step) };
        if !choices.is_positive() {
            return Err(raised(format!("empty range for randrange() ({start}, {end}, {width})")));
        }
        let picked = BigInt::from_biguint(Sign::Plus, chance.below(choices.magnitude()));
        return Ok(Val::big(start + step * picked));
    }
    if args.some(1).is_some() || args.some(2).is_some() {
        return Err(raised("start and step can only be used with integer values"));
    }
    if let Val::Dict(_) = value {
        return Err(raised("random can only be used on sequences and integers"));
    }
    let items = value.iterate().map_err(|_| raised("random can only be used on sequences and integers"))?;
    if items.is_empty() {
        return Err(raised("Cannot choose from an empty sequence"));
    }
    let picked = Val::Int(i64::try_from(chance.index(items.len())).unwrap_or(0));
    match &value {
        Val::Str(_) => Ok(crate::template::engine::attributes::item(&value, &picked)),
        _ => Ok(crate::template::engine::attributes::item(&Val::list(items), &picked)),
    }
}

/// A prefix of a hardware address with random bytes behind it, as many as it lacks.
pub fn random_mac(_scope: &Scope, args: Bound) -> Res<Val> {
    let value = args.val(0);
    let Val::Str(text) = &value else {
        let found = value.type_name();
        return Err(raised(format!(
            "Invalid value type (<class '{found}'>) for random_mac ({})",
            print::text(&value.used()?)?
        )));
    };
    let prefix = text.to_lowercase();
    let parts: Vec<&str> = prefix.split(':').collect();
    if parts.len() > 5 {
        return Err(raised(format!("Invalid value ({prefix}) for random_mac: 5 colon(:) separated items max")));
    }
    let is_byte = |part: &str| part.as_bytes().get(..2).is_some_and(|it| it.iter().all(u8::is_ascii_hexdigit));
    let mistakes = parts.iter().filter(|part| !is_byte(part));
    let mistakes: Vec<String> = mistakes
        .map(|part| if part.is_empty() { "empty item".to_owned() } else { format!("{part} not hexa byte") })
        .collect();
    if !mistakes.is_empty() {
        return Err(raised(format!("Invalid value ({prefix}) for random_mac: {}", mistakes.join(","))));
    }
    let (least, most) = (0x10_0000_0000_u64, 0xff_ffff_ffff_u64);
    let number = Chance::new(args.get(1))?.below(&BigUint::from(most - least + 1)) + least;
    let digits = number.to_str_radix(16);
    let bytes = digits.as_bytes().chunks(2).take(6 - parts.len()).map(String::from_utf8_lossy);
    Ok(Val::str(bytes.fold(prefix.clone(), |address, byte| format!("{address}:{byte}"))))
}

pub fn shuffle(_scope: &Scope, args: Bound) -> Res<Val> {
    let value = args.val(0);
    let Ok(mut items) = value.iterate() else { return Ok(value) };
    let mut chance = Chance::new(args.get(1))?;
    for at in (1..items.len()).rev() {
        let other = chance.index(at + 1);
        items.swap(at, other);
    }
    Ok(Val::list(items))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(seed: &Val, limit: usize, expected: usize) {
        let mut chance = Chance::new(Some(seed)).expect("a seed of a known type");
        assert_eq!(chance.index(limit), expected, "{limit}");
    }

    /// What Python 3 gives for `random.Random(seed).randrange(limit)`.
    #[test]
    fn seeds_give_what_python_gives() {
        check(&Val::Int(42), 100, 81);
        check(&Val::Int(-5), 59, 39);
        check(&Val::Bool(true), 59, 8);
        check(&Val::Float(1.5), 59, 35);
        check(&Val::str("host"), 59, 5);
        check(&Val::str(""), 59, 29);
        check(&Val::Int(1), 10_000_000_000, 9_167_024_629);
        assert!(Chance::new(Some(&Val::list(Vec::new()))).is_err());
    }
}
