//! The longest common subsequence of two strings.

use super::{Args, CommandError, CommandResult, Context, Outcome, Setting, StringValue};
use crate::resp::Reply;

/// What LCS shall reply with.
#[derive(Clone, Copy, Debug, Default)]
struct LcsOptions {
    len: bool,
    idx: bool,
    with_match_len: bool,
    min_match_len: usize,
}

impl LcsOptions {
    fn read(args: &mut Args<'_>) -> Result<Self, CommandError> {
        let mut options = Self::default();
        while !args.is_empty() {
            if args.keyword("IDX") {
                options.idx = true;
            } else if args.keyword("LEN") {
                options.len = true;
            } else if args.keyword("WITHMATCHLEN") {
                options.with_match_len = true;
            } else if args.keyword("MINMATCHLEN") {
                options.min_match_len = usize::try_from(args.integer()?).unwrap_or(0);
            } else {
                return Err(CommandError::Syntax);
            }
        }
        if options.idx && options.len {
            let text = "ERR If you want both the length and indexes, please just use IDX.";
            return Err(CommandError::Plain(text));
        }
        Ok(options)
    }
}

/// A run of bytes that both strings share: where it starts in each, and how long it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Match {
    a: usize,
    b: usize,
    len: usize,
}

/// `LCS key1 key2 [LEN] [IDX] [MINMATCHLEN min-match-len] [WITHMATCHLEN]`
///
/// Replies the longest common subsequence; with LEN its length; with IDX a map of the matching
/// runs, last first, and the length. Errors: ERR if a key holds no string, on LEN with IDX, or if
/// the table of both lengths exceeds `proto-max-bulk-len`. O(product of both lengths).
/// <https://redis.io/docs/latest/commands/lcs/>
pub(super) fn lcs(context: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let (key_a, key_b) = (args.bytes()?, args.bytes()?);
    let a = read(context, key_a)?;
    let b = read(context, key_b)?;
    let options = LcsOptions::read(args)?;
    let cells = (a.len() + 1).saturating_mul(b.len() + 1);
    if cells.saturating_mul(size_of::<u32>())
        > context.services.config.size(Setting::ProtoMaxBulkLen)
    {
        let text = "ERR Insufficient memory, transient memory for LCS exceeds proto-max-bulk-len";
        return Err(CommandError::Plain(text));
    }
    let table = Lengths::new(&a, &b);
    if options.len {
        context.reply.count(table.total());
        return Ok(Outcome::Done);
    }
    let matches = table.matches();
    if options.idx {
        reply_matches(context.reply, &matches, table.total(), options);
    } else {
        let runs = matches.iter().rev().map(|run| &a[run.a..run.a + run.len]);
        context.reply.bulk(&runs.collect::<Vec<_>>().concat());
    }
    Ok(Outcome::Done)
}

fn read(context: &mut Context<'_>, key: &[u8]) -> Result<Vec<u8>, CommandError> {
    match context.db.read::<StringValue>(key) {
        Ok(value) => Ok(value.map(StringValue::to_vec).unwrap_or_default()),
        Err(_) => Err(CommandError::Plain("ERR The specified keys must contain string values")),
    }
}

fn reply_matches(reply: &mut Reply, matches: &[Match], total: usize, options: LcsOptions) {
    let shown = || matches.iter().filter(|run| run.len >= options.min_match_len);
    reply.map(2);
    reply.bulk(b"matches");
    reply.array(shown().count());
    for run in shown() {
        reply.array(2 + usize::from(options.with_match_len));
        for start in [run.a, run.b] {
            reply.array(2);
            reply.count(start);
            reply.count(start + run.len - 1);
        }
        if options.with_match_len {
            reply.count(run.len);
        }
    }
    reply.bulk(b"len");
    reply.count(total);
}

/// Row `i`, column `j`: the length of the longest common subsequence of the first `i` bytes of
/// `a` and the first `j` bytes of `b`.
struct Lengths<'a> {
    a: &'a [u8],
    b: &'a [u8],
    cells: Vec<u32>,
}

impl<'a> Lengths<'a> {
    fn new(a: &'a [u8], b: &'a [u8]) -> Self {
        let width = b.len() + 1;
        let mut cells = vec![0u32; (a.len() + 1) * width];
        for (i, byte_a) in a.iter().enumerate() {
            for (j, byte_b) in b.iter().enumerate() {
                let at = (i + 1) * width + j + 1;
                cells[at] = if byte_a == byte_b {
                    cells[at - width - 1] + 1
                } else {
                    cells[at - 1].max(cells[at - width])
                };
            }
        }
        Self { a, b, cells }
    }

    fn at(&self, i: usize, j: usize) -> u32 {
        self.cells[i * (self.b.len() + 1) + j]
    }

    fn total(&self) -> usize {
        self.at(self.a.len(), self.b.len()) as usize
    }

    /// The runs of equal bytes that make up the subsequence, from last to first.
    fn matches(&self) -> Vec<Match> {
        let mut runs: Vec<Match> = Vec::new();
        let (mut i, mut j) = (self.a.len(), self.b.len());
        while i > 0 && j > 0 {
            if self.a[i - 1] == self.b[j - 1] {
                (i, j) = (i - 1, j - 1);
                match runs.last_mut() {
                    Some(run) if run.a == i + 1 && run.b == j + 1 => {
                        *run = Match { a: i, b: j, len: run.len + 1 };
                    }
                    _ => runs.push(Match { a: i, b: j, len: 1 }),
                }
            } else if self.at(i - 1, j) > self.at(i, j - 1) {
                i -= 1;
            } else {
                j -= 1;
            }
        }
        runs
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_of_the_documentation() {
        let table = Lengths::new(b"ohmytext", b"mynewtext");
        assert_eq!(table.total(), 6);
        let runs = [Match { a: 4, b: 5, len: 4 }, Match { a: 2, b: 0, len: 2 }];
        assert_eq!(table.matches(), runs);
    }
}
