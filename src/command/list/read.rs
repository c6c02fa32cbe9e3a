//! Reading lists.

use super::{Args, CommandError, CommandResult, Context, List, Outcome, place, range};

/// `LINDEX key index`
///
/// Replies the element at `index`, negative from the tail, or nil. Errors: WRONGTYPE. O(chunks).
/// <https://redis.io/docs/latest/commands/lindex/>
pub(super) fn lindex(context: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let key = args.bytes()?;
    let Some(list) = context.db.read::<List>(key)? else {
        context.reply.nil();
        return Ok(Outcome::Done);
    };
    match place(args.integer()?, list.len()).and_then(|place| list.at(place)) {
        Some(element) => context.reply.bulk(element),
        None => context.reply.nil(),
    }
    Ok(Outcome::Done)
}

/// `LLEN key`
///
/// Replies the number of elements; 0 if there is no list. Errors: WRONGTYPE. O(1).
/// <https://redis.io/docs/latest/commands/llen/>
pub(super) fn llen(context: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let len = context.db.read::<List>(args.bytes()?)?.map_or(0, List::len);
    context.reply.count(len);
    Ok(Outcome::Done)
}

/// `LRANGE key start stop`
///
/// Replies the elements from `start` to `stop`, both included, negative from the tail; what lies
/// outside of the list is left out. Errors: WRONGTYPE. O(chunks + elements replied).
/// <https://redis.io/docs/latest/commands/lrange/>
pub(super) fn lrange(context: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let (key, start, stop) = (args.bytes()?, args.integer()?, args.integer()?);
    let Some(list) = context.db.read::<List>(key)? else {
        context.reply.array(0);
        return Ok(Outcome::Done);
    };
    let (start, end) = range(start, stop, list.len());
    context.reply.array(end - start);
    list.iter_from(start).take(end - start).for_each(|element| context.reply.bulk(element));
    Ok(Outcome::Done)
}

/// What LPOS looks for.
struct Search<'a> {
    element: &'a [u8],
    /// Not 0; negative: from the tail.
    rank: i64,
    /// `None`: one, not in an array.
    count: Option<usize>,
    /// Most elements looked at.
    len_max: usize,
}

impl<'a> Search<'a> {
    fn read(args: &mut Args<'a>) -> Result<Self, CommandError> {
        let mut search = Self { element: args.bytes()?, rank: 1, count: None, len_max: usize::MAX };
        while !args.is_empty() {
            if args.keyword("RANK") {
                search.rank = read_rank(args)?;
            } else if args.keyword("COUNT") {
                let count = args.count(CommandError::Plain("ERR COUNT can't be negative"))?;
                search.count = Some(count);
            } else if args.keyword("MAXLEN") {
                let most = args.count(CommandError::Plain("ERR MAXLEN can't be negative"))?;
                search.len_max = if most == 0 { usize::MAX } else { most };
            } else {
                return Err(CommandError::Syntax);
            }
        }
        Ok(search)
    }

    /// The places of the hits, in the order of the search.
    fn run(&self, list: &List) -> Vec<usize> {
        let most = match self.count {
            None => 1,
            Some(0) => usize::MAX,
            Some(count) => count,
        };
        let skip = usize::try_from(self.rank.unsigned_abs()).unwrap_or(usize::MAX) - 1;
        let hit = |(place, element): (usize, &[u8])| (element == self.element).then_some(place);
        if self.rank > 0 {
            let hits = list.iter_from(0).enumerate().take(self.len_max).filter_map(hit);
            return hits.skip(skip).take(most).collect();
        }
        let places = (0..list.len()).rev();
        let hits = places.zip(list.iter_back()).take(self.len_max).filter_map(hit);
        hits.skip(skip).take(most).collect()
    }
}

fn read_rank(args: &mut Args<'_>) -> Result<i64, CommandError> {
    match args.integer()? {
        0 => Err(CommandError::Plain(
            "ERR RANK can't be zero: use 1 to start from the first match, 2 from the second ... \
             or use negative to start from the end of the list",
        )),
        i64::MIN => Err(CommandError::Plain(
            "ERR value is out of range, value must between -9223372036854775807 and \
             9223372036854775807",
        )),
        rank => Ok(rank),
    }
}

/// `LPOS key element [RANK rank] [COUNT num-matches] [MAXLEN len]`
///
/// Replies the place of the first element equal to `element`, or nil; with `COUNT`, an array of
/// up to so many places (0: all). `RANK` begins at the n-th match, from the tail if negative;
/// `MAXLEN` bounds how many elements are looked at. Errors: WRONGTYPE; ERR if an option is out of
/// range. O(elements).
/// <https://redis.io/docs/latest/commands/lpos/>
pub(super) fn lpos(context: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let key = args.bytes()?;
    let search = Search::read(args)?;
    let list = context.db.read::<List>(key)?;
    let places = list.map_or_else(Vec::new, |list| search.run(list));
    match (search.count, places.first()) {
        (None, None) => context.reply.nil(),
        (None, Some(&place)) => context.reply.count(place),
        (Some(_), _) => {
            context.reply.array(places.len());
            for place in places {
                context.reply.count(place);
            }
        }
    }
    Ok(Outcome::Done)
}
