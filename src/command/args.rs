//! A cursor over the arguments of a command: typed reads, each with Redis' error.

use super::error::{CommandError, shown};
use crate::number::{parse_f64, parse_f64_in_range, parse_i64};
use crate::resp::argv::Argv;

/// The arguments not read yet.
#[derive(Clone, Debug)]
pub(crate) struct Args<'a> {
    argv: Argv<'a>,
    at: usize,
}

impl<'a> Args<'a> {
    /// The arguments behind the first `at` words of a request.
    pub(crate) fn new(argv: Argv<'a>, at: usize) -> Self {
        Self { argv, at }
    }

    /// The whole request, its name included.
    pub(crate) fn argv(&self) -> Argv<'a> {
        self.argv
    }

    /// The error of a subcommand for which Redis counts the words itself, and finds too many.
    pub(crate) fn miscounted(&self) -> CommandError {
        let word = |index| shown(self.argv.get(index).unwrap_or_default());
        let (container, name) = (word(0).to_uppercase(), word(1));
        let text = "ERR unknown subcommand or wrong number of arguments for";
        CommandError::Text(format!("{text} '{name}'. Try {container} HELP.").into())
    }

    /// Number of arguments left.
    pub(crate) fn len(&self) -> usize {
        self.argv.len().saturating_sub(self.at)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The next argument, not read yet.
    pub(crate) fn peek(&self) -> Option<&'a [u8]> {
        self.argv.get(self.at)
    }

    /// Reads any bytes: a key, an element, a value.
    pub(crate) fn bytes(&mut self) -> Result<&'a [u8], CommandError> {
        let word = self.peek().ok_or(CommandError::Syntax)?;
        self.at += 1;
        Ok(word)
    }

    /// The signed integer that an argument read before stands for.
    pub(crate) fn parse_integer(text: &[u8]) -> Result<i64, CommandError> {
        parse_i64(text).ok_or(CommandError::NotAnInteger)
    }

    /// Reads a signed integer.
    pub(crate) fn integer(&mut self) -> Result<i64, CommandError> {
        parse_i64(self.bytes()?).ok_or(CommandError::NotAnInteger)
    }

    /// Reads a signed integer of 32 bits, such as the number of a database.
    pub(crate) fn integer_of_32_bits(&mut self) -> Result<i32, CommandError> {
        i32::try_from(self.integer()?).map_err(|_| {
            let bounds = "-2147483648 and 2147483647";
            let text = format!("ERR value is out of range, value must between {bounds}");
            CommandError::Text(text.into())
        })
    }

    /// Reads a signed integer; `error` if it is none or less than `min`.
    pub(crate) fn integer_from(
        &mut self,
        min: i64,
        error: CommandError,
    ) -> Result<i64, CommandError> {
        let value = parse_i64(self.bytes()?);
        value.filter(|&value| value >= min).ok_or(error)
    }

    /// Reads a count that is not negative.
    pub(crate) fn count(&mut self, error: CommandError) -> Result<usize, CommandError> {
        let value = self.integer_from(0, error.clone())?;
        usize::try_from(value).map_err(|_| error)
    }

    /// Reads a double.
    pub(crate) fn float(&mut self) -> Result<f64, CommandError> {
        parse_f64_in_range(self.bytes()?).ok_or(CommandError::NotAFloat)
    }

    /// Does the next argument begin as a keyword does, with a letter?
    pub(crate) fn may_be_keyword(&self) -> bool {
        self.peek().and_then(<[u8]>::first).is_some_and(u8::is_ascii_alphabetic)
    }

    /// Is the next argument this keyword, in upper or lower case? If so, reads it.
    pub(crate) fn keyword(&mut self, keyword: &str) -> bool {
        let hit = self.peek().is_some_and(|word| word.eq_ignore_ascii_case(keyword.as_bytes()));
        self.at += usize::from(hit);
        hit
    }

    /// Reads `numkeys` and as many keys.
    pub(crate) fn counted_keys(&mut self) -> Result<Vec<&'a [u8]>, CommandError> {
        let error = CommandError::Plain("ERR numkeys should be greater than 0");
        let count = usize::try_from(self.integer_from(1, error)?).unwrap_or(usize::MAX);
        if count > self.len() {
            return Err(CommandError::Syntax);
        }
        (0..count).map(|_| self.bytes()).collect()
    }

    /// Reads `[COUNT count]` of LMPOP and its like: 1 unless it is given.
    pub(crate) fn pop_count(&mut self) -> Result<usize, CommandError> {
        if !self.keyword("COUNT") {
            return Ok(1);
        }
        let error = CommandError::Plain("ERR count should be greater than 0");
        Ok(usize::try_from(self.integer_from(1, error)?).unwrap_or(usize::MAX))
    }

    /// Reads all arguments that are left.
    pub(crate) fn rest(&mut self) -> impl ExactSizeIterator<Item = &'a [u8]> + Clone + use<'a> {
        let rest = self.argv.iter_from(self.at);
        self.at = self.argv.len();
        rest
    }

    /// Nothing may be left.
    pub(crate) fn finish(&self) -> Result<(), CommandError> {
        if self.is_empty() { Ok(()) } else { Err(CommandError::Syntax) }
    }
}

impl Args<'_> {
    /// Reads a blocking command's time-out in seconds (decimal; 0: for ever); returns the instant
    /// at which it ends (unix ms).
    pub(crate) fn deadline_ms(&mut self, now_ms: u64) -> Result<Option<u64>, CommandError> {
        let seconds = parse_f64(self.bytes()?)
            .ok_or(CommandError::Plain("ERR timeout is not a float or out of range"))?;
        if seconds < 0.0 {
            return Err(CommandError::Plain("ERR timeout is negative"));
        }
        let ms = (seconds * 1000.0).ceil();
        #[expect(clippy::cast_precision_loss, reason = "a bound, compared only")]
        if ms > (i64::MAX as f64) - now_ms as f64 {
            return Err(CommandError::Plain("ERR timeout is out of range"));
        }
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "in range")]
        let ms = ms as u64;
        Ok((ms > 0).then(|| now_ms + ms))
    }
}
