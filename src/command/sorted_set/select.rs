//! What selects a run of elements: ranks, scores or members, as the commands write them.

use std::ops::Range;

use super::{CommandError, SortedSet};
use crate::number::{parse_f64_as_c, parse_i64};

/// Elements that follow each other.
#[derive(Clone, Copy, Debug)]
pub(super) enum Selection<'a> {
    Members {
        min: MemberBound<'a>,
        max: MemberBound<'a>,
    },
    /// Both included; negative from the end.
    Ranks {
        start: i64,
        stop: i64,
    },
    Scores {
        min: ScoreBound,
        max: ScoreBound,
    },
}

/// `5`, `(5`, `-inf`, `+inf`.
#[derive(Clone, Copy, Debug)]
pub(super) struct ScoreBound {
    score: f64,
    exclusive: bool,
}

impl ScoreBound {
    fn parse(text: &[u8]) -> Option<Self> {
        let (number, exclusive) = match text.strip_prefix(b"(") {
            Some(number) => (number, true),
            None => (text, false),
        };
        Some(Self { score: parse_f64_as_c(number)?, exclusive })
    }

    /// Number of elements below this bound as a lower one.
    fn elements_below(self, set: &SortedSet) -> usize {
        if self.exclusive { set.up_to_score(self.score) } else { set.below_score(self.score) }
    }

    /// Number of elements up to this bound as an upper one.
    fn elements_up_to(self, set: &SortedSet) -> usize {
        if self.exclusive { set.below_score(self.score) } else { set.up_to_score(self.score) }
    }
}

/// `[member`, `(member`, `-`, `+`.
#[derive(Clone, Copy, Debug)]
pub(super) enum MemberBound<'a> {
    AboveAll,
    BelowAll,
    Excluded(&'a [u8]),
    Included(&'a [u8]),
}

impl<'a> MemberBound<'a> {
    fn parse(text: &'a [u8]) -> Option<Self> {
        match text {
            b"+" => Some(Self::AboveAll),
            b"-" => Some(Self::BelowAll),
            [b'(', member @ ..] => Some(Self::Excluded(member)),
            [b'[', member @ ..] => Some(Self::Included(member)),
            _ => None,
        }
    }

    fn elements_below(self, set: &SortedSet) -> usize {
        match self {
            Self::AboveAll => set.len(),
            Self::BelowAll => 0,
            Self::Excluded(member) => set.up_to_member(member),
            Self::Included(member) => set.below_member(member),
        }
    }

    fn elements_up_to(self, set: &SortedSet) -> usize {
        match self {
            Self::Excluded(member) => set.below_member(member),
            Self::Included(member) => set.up_to_member(member),
            Self::AboveAll | Self::BelowAll => self.elements_below(set),
        }
    }
}

impl<'a> Selection<'a> {
    pub(super) fn by_member(min: &'a [u8], max: &'a [u8]) -> Result<Self, CommandError> {
        let parse = |text| {
            let error = "ERR min or max not valid string range item";
            MemberBound::parse(text).ok_or(CommandError::Plain(error))
        };
        Ok(Self::Members { min: parse(min)?, max: parse(max)? })
    }

    pub(super) fn by_rank(start: &[u8], stop: &[u8]) -> Result<Self, CommandError> {
        let parse = |text| parse_i64(text).ok_or(CommandError::NotAnInteger);
        Ok(Self::Ranks { start: parse(start)?, stop: parse(stop)? })
    }

    pub(super) fn by_score(min: &[u8], max: &[u8]) -> Result<Self, CommandError> {
        let parse = |text| {
            let error = "ERR min or max is not a float";
            ScoreBound::parse(text).ok_or(CommandError::Plain(error))
        };
        Ok(Self::Scores { min: parse(min)?, max: parse(max)? })
    }

    /// The ranks of the selected elements; those of a selection by rank count from the last
    /// element if `reverse`.
    pub(super) fn ranks_in(&self, set: &SortedSet, reverse: bool) -> Range<usize> {
        let ranks = self.ranks(set);
        match self {
            Self::Ranks { .. } if reverse => set.len() - ranks.end..set.len() - ranks.start,
            _ => ranks,
        }
    }

    /// The ranks of the selected elements.
    pub(super) fn ranks(&self, set: &SortedSet) -> Range<usize> {
        let (start, end) = match *self {
            Self::Members { min, max } => (min.elements_below(set), max.elements_up_to(set)),
            Self::Scores { min, max } => (min.elements_below(set), max.elements_up_to(set)),
            Self::Ranks { start, stop } => rank_range(start, stop, set.len()),
        };
        start..end.max(start)
    }
}

fn rank_range(start: i64, stop: i64, len: usize) -> (usize, usize) {
    let signed = i64::try_from(len).unwrap_or(i64::MAX);
    let from_end = |rank: i64| if rank < 0 { rank.saturating_add(signed) } else { rank };
    let start = from_end(start).clamp(0, signed);
    let end = from_end(stop).saturating_add(1).clamp(0, signed);
    (usize::try_from(start).unwrap_or(0), usize::try_from(end).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: crate::types::packed_map::Limits =
        crate::types::packed_map::Limits { entries: 128, value_bytes: 64 };

    fn check(selection: Result<Selection<'_>, CommandError>, expected: Range<usize>) {
        let mut set = SortedSet::default();
        for (member, score) in [("a", 1.0), ("b", 1.0), ("c", 2.5), ("d", f64::INFINITY)] {
            set.insert(member.as_bytes(), score, LIMITS);
        }
        let selection = selection.expect("a valid selection");
        assert_eq!(selection.ranks(&set), expected, "{selection:?}");
    }

    #[test]
    fn scores() {
        for (min, max, expected) in [
            ("-inf", "+inf", 0..4),
            ("1", "2.5", 0..3),
            ("(1", "(2.5", 2..2),
            ("(1", "2.5", 2..3),
            ("3", "1", 3..3),
            ("inf", "inf", 3..4),
            ("(inf", "inf", 4..4),
            ("-inf", "(inf", 0..3),
        ] {
            check(Selection::by_score(min.as_bytes(), max.as_bytes()), expected);
        }
        for text in ["x", "1 ", "nan", "((1"] {
            assert!(Selection::by_score(text.as_bytes(), b"1").is_err(), "{text}");
        }
    }

    #[test]
    fn members() {
        for (min, max, expected) in [
            ("-", "+", 0..4),
            ("+", "-", 4..4),
            ("-", "[a", 0..1),
            ("(a", "[b", 1..2),
            ("[a", "(b", 0..1),
            ("(", "[", 0..0),
        ] {
            check(Selection::by_member(min.as_bytes(), max.as_bytes()), expected);
        }
        for text in ["a", "", "++", "-a"] {
            assert!(Selection::by_member(text.as_bytes(), b"+").is_err(), "{text}");
        }
    }

    #[test]
    fn ranks() {
        for (start, stop, expected) in [
            ("0", "-1", 0..4),
            ("-2", "-1", 2..4),
            ("1", "2", 1..3),
            ("-100", "100", 0..4),
            ("3", "1", 3..3),
            ("4", "10", 4..4),
            ("0", "-5", 0..0),
            ("0", "9223372036854775807", 0..4),
            ("-9223372036854775808", "0", 0..1),
        ] {
            check(Selection::by_rank(start.as_bytes(), stop.as_bytes()), expected);
        }
    }
}
