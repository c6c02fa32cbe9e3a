//! GEOSEARCH and its older relatives: the members in a circle or rectangle, as a reply or stored.

use super::{
    Args, CommandError, CommandResult, Context, Outcome, Point, SortedSet, limits, place,
    read_point, read_unit, store, write_distance, write_point,
};
use crate::resp::Reply;
use crate::types::geohash::Shape;

/// Where a command has its centre from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Origin {
    /// The first arguments: longitude, latitude, radius, unit.
    Coordinates,
    /// The first arguments: member, radius, unit.
    Member,
    /// Options, in any order.
    Options,
}

/// Where a command puts what it finds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Target {
    /// Under the key that is its first argument.
    Destination,
    /// In its reply, or under the key of `STORE` or `STOREDIST`.
    Options,
    Reply,
}

/// A command of the family.
#[derive(Clone, Copy, Debug)]
pub(super) struct Form {
    origin: Origin,
    target: Target,
}

/// `GEORADIUS key longitude latitude radius M|KM|FT|MI [WITHCOORD] [WITHDIST] [WITHHASH]
/// [COUNT count [ANY]] [ASC|DESC] [STORE key|STOREDIST key]`
///
/// GEOSEARCH or GEOSEARCHSTORE in an older spelling.
/// <https://redis.io/docs/latest/commands/georadius/>
pub(super) const GEORADIUS: Form = Form { origin: Origin::Coordinates, target: Target::Options };

/// GEORADIUS that only replies.
/// <https://redis.io/docs/latest/commands/georadius_ro/>
pub(super) const GEORADIUS_RO: Form = Form { origin: Origin::Coordinates, target: Target::Reply };

/// `GEORADIUSBYMEMBER key member radius M|KM|FT|MI ...`: GEORADIUS around a member.
/// <https://redis.io/docs/latest/commands/georadiusbymember/>
pub(super) const GEORADIUSBYMEMBER: Form = Form { origin: Origin::Member, target: Target::Options };

/// GEORADIUSBYMEMBER that only replies.
/// <https://redis.io/docs/latest/commands/georadiusbymember_ro/>
pub(super) const GEORADIUSBYMEMBER_RO: Form =
    Form { origin: Origin::Member, target: Target::Reply };

/// `GEOSEARCH key FROMMEMBER member|FROMLONLAT longitude latitude BYRADIUS radius M|KM|FT|MI|
/// BYBOX width height M|KM|FT|MI [ASC|DESC] [COUNT count [ANY]] [WITHCOORD] [WITHDIST] [WITHHASH]`
///
/// Replies an array of the members in a circle or rectangle around a place or member, with `ASC` or
/// `DESC` sorted by their distance. `COUNT`: the nearest ones, with `ANY` those found first. With
/// distance, hash or coordinates, each is an array of the member and these.
/// <https://redis.io/docs/latest/commands/geosearch/>
pub(super) const GEOSEARCH: Form = Form { origin: Origin::Options, target: Target::Reply };

/// `GEOSEARCHSTORE destination source ... [STOREDIST]`
///
/// Stores what GEOSEARCH replies with, in place of whatever `destination` holds; nothing removes
/// it. `STOREDIST`: the scores are distances. Replies the number of members.
/// <https://redis.io/docs/latest/commands/geosearchstore/>
pub(super) const GEOSEARCHSTORE: Form =
    Form { origin: Origin::Options, target: Target::Destination };

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Order {
    Ascending,
    Descending,
}

/// What is written beside the member.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Details {
    distance: bool,
    hash: bool,
    coordinates: bool,
}

impl Details {
    fn count(self) -> usize {
        usize::from(self.distance) + usize::from(self.hash) + usize::from(self.coordinates)
    }
}

/// Where to look.
#[derive(Clone, Copy, Debug)]
enum Centre {
    At(Point),
    /// At a member of a sorted set that does not exist.
    Nowhere,
}

/// What the arguments ask for.
#[derive(Default)]
struct Query<'a> {
    centre: Option<Centre>,
    shape: Option<Shape>,
    /// Metres in the unit of the distances.
    metres: f64,
    details: Details,
    order: Option<Order>,
    count: Option<usize>,
    /// Any members will do, not just the nearest.
    any: bool,
    store: Option<&'a [u8]>,
    store_distances: bool,
}

/// A member that was found.
struct Found {
    member: Box<[u8]>,
    point: Point,
    score: f64,
    /// In metres.
    distance: f64,
}

impl<'a> Query<'a> {
    fn read(
        args: &mut Args<'a>,
        form: Form,
        set: Option<&SortedSet>,
        store: Option<&'a [u8]>,
    ) -> Result<Self, CommandError> {
        let mut query = Self { store, metres: 1.0, ..Self::default() };
        match form.origin {
            Origin::Coordinates => {
                query.centre = Some(Centre::At(read_point(args)?));
                query.read_circle(args)?;
            }
            Origin::Member if set.is_none() => {
                query.centre = Some(Centre::Nowhere);
                (0..3).try_for_each(|_| args.bytes().map(drop))?;
            }
            Origin::Member => {
                query.centre = Some(read_member(args, set)?);
                query.read_circle(args)?;
            }
            Origin::Options => {}
        }
        let has_centre = query.centre.is_some();
        let (mut by_member, mut by_place) = (has_centre, has_centre);
        while !args.is_empty() {
            if query.read_option(args)? || query.read_store(args, form.target)? {
                continue;
            }
            if !by_place && args.len() > 1 && args.keyword("FROMMEMBER") {
                query.centre = Some(read_member(args, set)?);
                by_member = true;
            } else if !by_member && args.len() > 2 && args.keyword("FROMLONLAT") {
                query.centre = Some(Centre::At(read_point(args)?));
                by_place = true;
            } else if form.origin != Origin::Options || !query.read_shape(args)? {
                return Err(CommandError::Syntax);
            }
        }
        Ok(query)
    }

    fn read_circle(&mut self, args: &mut Args<'_>) -> Result<(), CommandError> {
        let radius = read_length(args, "ERR need numeric radius")?;
        if radius < 0.0 {
            return Err(CommandError::Plain("ERR radius cannot be negative"));
        }
        self.metres = read_unit(args)?;
        self.shape = Some(Shape::Circle { radius: radius * self.metres });
        Ok(())
    }

    /// Reads `BYRADIUS` or `BYBOX`, whichever was not there yet.
    fn read_shape(&mut self, args: &mut Args<'_>) -> Result<bool, CommandError> {
        let is_circle = matches!(self.shape, Some(Shape::Circle { .. }));
        let is_rectangle = matches!(self.shape, Some(Shape::Rectangle { .. }));
        if !is_rectangle && args.len() > 2 && args.keyword("BYRADIUS") {
            self.read_circle(args)?;
            return Ok(true);
        }
        if is_circle || args.len() <= 3 || !args.keyword("BYBOX") {
            return Ok(false);
        }
        let width = read_length(args, "ERR need numeric width")?;
        let height = read_length(args, "ERR need numeric height")?;
        if width < 0.0 || height < 0.0 {
            return Err(CommandError::Plain("ERR height or width cannot be negative"));
        }
        self.metres = read_unit(args)?;
        let (width, height) = (width * self.metres, height * self.metres);
        self.shape = Some(Shape::Rectangle { width, height });
        Ok(true)
    }

    /// Reads an option that all commands have.
    fn read_option(&mut self, args: &mut Args<'_>) -> Result<bool, CommandError> {
        if args.keyword("WITHDIST") {
            self.details.distance = true;
        } else if args.keyword("WITHHASH") {
            self.details.hash = true;
        } else if args.keyword("WITHCOORD") {
            self.details.coordinates = true;
        } else if args.keyword("ANY") {
            self.any = true;
        } else if args.keyword("ASC") {
            self.order = Some(Order::Ascending);
        } else if args.keyword("DESC") {
            self.order = Some(Order::Descending);
        } else if args.keyword("COUNT") {
            let count = args.integer()?;
            let count = usize::try_from(count).ok().filter(|&count| count > 0);
            self.count = Some(count.ok_or(CommandError::Plain("ERR COUNT must be > 0"))?);
        } else {
            return Ok(false);
        }
        Ok(true)
    }

    /// Reads an option that says where to store.
    fn read_store(&mut self, args: &mut Args<'a>, target: Target) -> Result<bool, CommandError> {
        match target {
            Target::Destination if args.keyword("STOREDIST") => self.store_distances = true,
            Target::Options if args.keyword("STORE") => {
                self.store = Some(args.bytes()?);
                self.store_distances = false;
            }
            Target::Options if args.keyword("STOREDIST") => {
                self.store = Some(args.bytes()?);
                self.store_distances = true;
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// Is everything there, and does it agree? Replies where to look for what.
    fn check(&self, form: Form, name: &[u8]) -> Result<(Centre, Shape), CommandError> {
        if self.store.is_some() && self.details != Details::default() {
            return Err(CommandError::Plain(if form.target == Target::Destination {
                "ERR GEOSEARCHSTORE is not compatible with WITHDIST, WITHHASH and WITHCOORD options"
            } else {
                "ERR STORE option in GEORADIUS is not compatible with WITHDIST, WITHHASH and \
                 WITHCOORD options"
            }));
        }
        let name = String::from_utf8_lossy(name);
        let missing = |what: &str| {
            let text = format!("ERR exactly one of {what} can be specified for {name}");
            CommandError::Text(text.into())
        };
        let centre = self.centre.ok_or_else(|| missing("FROMMEMBER or FROMLONLAT"))?;
        let shape = match (self.shape, centre) {
            (Some(shape), _) => shape,
            (None, Centre::Nowhere) if form.origin == Origin::Member => {
                Shape::Circle { radius: 0.0 }
            }
            (None, _) => return Err(missing("BYRADIUS and BYBOX")),
        };
        if self.any && self.count.is_none() {
            return Err(CommandError::Plain("ERR the ANY argument requires COUNT argument"));
        }
        Ok((centre, shape))
    }

    /// The members, in order and no more than asked for.
    fn run(&self, set: &SortedSet, centre: Point, shape: Shape) -> Vec<Found> {
        let count = self.count.unwrap_or(usize::MAX);
        let enough = if self.any { count } else { usize::MAX };
        let mut found = Vec::new();
        for cell in shape.cells(centre) {
            let (first, end) = cell.hashes();
            find_in(set, (first, end), |member, point, score| {
                if let Some(distance) = shape.distance(centre, point) {
                    found.push(Found { member: member.into(), point, score, distance });
                }
                found.len() < enough
            });
            if found.len() >= enough {
                break;
            }
        }
        let nearest = self.count.is_some() && !self.any;
        match self.order.or(nearest.then_some(Order::Ascending)) {
            Some(Order::Ascending) => found.sort_by(|a, b| a.distance.total_cmp(&b.distance)),
            Some(Order::Descending) => found.sort_by(|a, b| b.distance.total_cmp(&a.distance)),
            None => {}
        }
        found.truncate(count);
        found
    }

    fn write(&self, reply: &mut Reply, found: &Found) {
        if self.details.count() > 0 {
            reply.array(1 + self.details.count());
        }
        reply.bulk(&found.member);
        if self.details.distance {
            write_distance(reply, found.distance / self.metres);
        }
        if self.details.hash {
            #[expect(clippy::cast_possible_truncation, reason = "a hash has 52 bits")]
            reply.integer(found.score as i64);
        }
        if self.details.coordinates {
            write_point(reply, found.point);
        }
    }
}

fn read_length(args: &mut Args<'_>, error: &'static str) -> Result<f64, CommandError> {
    args.float().map_err(|error_of_float| match error_of_float {
        CommandError::NotAFloat => CommandError::Plain(error),
        other => other,
    })
}

/// Reads a member, which must be in the sorted set if there is one.
fn read_member(args: &mut Args<'_>, set: Option<&SortedSet>) -> Result<Centre, CommandError> {
    let member = args.bytes()?;
    if set.is_none() {
        return Ok(Centre::Nowhere);
    }
    let point = place(set, member);
    point.map(Centre::At).ok_or(CommandError::Plain("ERR could not decode requested zset member"))
}

/// Calls `visit` with the members whose hash is in a range, as long as it replies `true`.
fn find_in(
    set: &SortedSet,
    (first, end): (u64, u64),
    mut visit: impl FnMut(&[u8], Point, f64) -> bool,
) {
    #[expect(clippy::cast_precision_loss, reason = "a hash has 52 bits")]
    let (first, end) = (first as f64, end as f64);
    let from = set.below_score(first);
    set.iter_from(from).take_while(|(_, score)| *score < end).all(|(member, score)| {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "52 bits")]
        let point = Point::of_hash(score as u64);
        visit(member, point, score)
    });
}

/// Runs a command of the family. Errors: WRONGTYPE; ERR if the centre or shape is missing or bad.
/// O(log n + members in the cells around the area).
pub(super) fn search(context: &mut Context<'_>, args: &mut Args<'_>, form: Form) -> CommandResult {
    let name = args.argv().get(0).unwrap_or_default();
    let has_destination = form.target == Target::Destination;
    let destination = if has_destination { Some(args.bytes()?) } else { None };
    let key = args.bytes()?;
    let set = context.db.read::<SortedSet>(key)?;
    let query = Query::read(args, form, set, destination)?;
    let (centre, shape) = query.check(form, name)?;
    let found = match (set, centre) {
        (Some(set), Centre::At(centre)) => query.run(set, centre, shape),
        _ => Vec::new(),
    };
    let Some(destination) = query.store else {
        context.reply.array(found.len());
        for found in &found {
            query.write(context.reply, found);
        }
        return Ok(Outcome::Done);
    };
    let limits = limits(&context.services.config);
    let mut stored = SortedSet::default();
    for found in found {
        let distances = query.store_distances;
        let score = if distances { found.distance / query.metres } else { found.score };
        stored.insert(&found.member, score, limits);
    }
    let event = if has_destination { "geosearchstore" } else { "georadiusstore" };
    store(context, destination, stored, event);
    Ok(Outcome::Done)
}
