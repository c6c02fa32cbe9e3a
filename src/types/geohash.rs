//! Places on the earth as numbers: 26 bits of longitude and 26 of latitude, interleaved.
//!
//! Places that share leading bits are in the same *cell*, so a sorted set whose scores are such
//! numbers has each cell as one range of scores. A search looks at the cell of its centre and the
//! eight around it, at a size of cells at which these cover the area.

/// Bits for longitude and for latitude in a full hash.
const STEPS_MAX: u32 = 26;
const LONGITUDE_MAX: f64 = 180.0;
/// Where the map of the world ends in the north and south.
const LATITUDE_MAX: f64 = 85.051_128_78;
const EARTH_RADIUS_M: f64 = 6_372_797.560_856;
/// Half of the equator on the map.
const MAP_RADIUS_M: f64 = 20_037_726.37;

/// A place, in degrees.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Point {
    pub(crate) longitude: f64,
    pub(crate) latitude: f64,
}

/// What lies around a centre; sizes in metres.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Shape {
    Circle { radius: f64 },
    Rectangle { width: f64, height: f64 },
}

/// A rectangle of the map: `steps` bits each of longitude and latitude.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Cell {
    longitude: u32,
    latitude: u32,
    steps: u32,
}

/// The edges of an area, in degrees.
#[derive(Clone, Copy, Debug)]
struct Area {
    west: f64,
    south: f64,
    east: f64,
    north: f64,
}

impl Point {
    /// Is it on the map?
    pub(crate) fn is_valid(self) -> bool {
        self.longitude.abs() <= LONGITUDE_MAX && self.latitude.abs() <= LATITUDE_MAX
    }

    /// The hash: 52 bits.
    pub(crate) fn hash(self) -> u64 {
        Cell::of(self, STEPS_MAX, LATITUDE_MAX).bits()
    }

    /// The middle of the smallest cell of a hash.
    pub(crate) fn of_hash(hash: u64) -> Self {
        let cell = Cell {
            longitude: every_other(hash >> 1),
            latitude: every_other(hash),
            steps: STEPS_MAX,
        };
        let area = cell.area();
        let middle = |low: f64, high: f64, most: f64| f64::midpoint(low, high).clamp(-most, most);
        Self {
            longitude: middle(area.west, area.east, LONGITUDE_MAX),
            latitude: middle(area.south, area.north, LATITUDE_MAX),
        }
    }

    /// Metres to another place.
    pub(crate) fn distance(self, other: Self) -> f64 {
        let (latitude, other_latitude) = (self.latitude.to_radians(), other.latitude.to_radians());
        let longitudes = other.longitude.to_radians() - self.longitude.to_radians();
        let v = (longitudes / 2.0).sin();
        if v == 0.0 {
            return latitude_distance(self.latitude, other.latitude);
        }
        let u = ((other_latitude - latitude) / 2.0).sin();
        let a = u * u + latitude.cos() * other_latitude.cos() * v * v;
        2.0 * EARTH_RADIUS_M * a.sqrt().asin()
    }

    /// The geohash in its usual text form, of 11 characters.
    /// <https://en.wikipedia.org/wiki/Geohash>
    pub(crate) fn text(self) -> String {
        const DIGITS: &[u8; 32] = b"0123456789bcdefghjkmnpqrstuvwxyz";
        // There the map ends at the poles.
        let bits = Cell::of(self, STEPS_MAX, 90.0).bits();
        let digit = |place: u32| (bits >> (2 * STEPS_MAX - 5 * (place + 1))) & 31;
        let digits = (0..10).map(digit).chain([0]);
        digits.map(|digit| char::from(DIGITS[usize::try_from(digit).unwrap_or(0)])).collect()
    }
}

fn latitude_distance(one: f64, other: f64) -> f64 {
    EARTH_RADIUS_M * (other.to_radians() - one.to_radians()).abs()
}

impl Shape {
    /// The distance from the centre to a place; `None` if the place is outside.
    pub(crate) fn distance(self, centre: Point, point: Point) -> Option<f64> {
        match self {
            Self::Circle { radius } => {
                let distance = centre.distance(point);
                (distance <= radius).then_some(distance)
            }
            Self::Rectangle { width, height } => {
                if latitude_distance(point.latitude, centre.latitude) > height / 2.0 {
                    return None;
                }
                let across = Point { longitude: centre.longitude, latitude: point.latitude };
                let fits = point.distance(across) <= width / 2.0;
                fits.then(|| centre.distance(point))
            }
        }
    }

    /// The greatest distance of any place in it from the centre.
    fn reach(self) -> f64 {
        match self {
            Self::Circle { radius } => radius,
            Self::Rectangle { width, height } => (width / 2.0).hypot(height / 2.0),
        }
    }

    /// The edges around `centre`.
    fn bounds(self, centre: Point) -> Area {
        let (width, height) = match self {
            Self::Circle { radius } => (radius, radius),
            Self::Rectangle { width, height } => (width / 2.0, height / 2.0),
        };
        let latitudes = (height / EARTH_RADIUS_M).to_degrees();
        // A degree of longitude is shortest at the edge that is farther from the equator.
        let edge = if centre.latitude < 0.0 {
            centre.latitude - latitudes
        } else {
            centre.latitude + latitudes
        };
        let longitudes = (width / EARTH_RADIUS_M / edge.to_radians().cos()).to_degrees();
        Area {
            west: centre.longitude - longitudes,
            south: centre.latitude - latitudes,
            east: centre.longitude + longitudes,
            north: centre.latitude + latitudes,
        }
    }

    /// The cells that together cover the shape around `centre`.
    pub(crate) fn cells(self, centre: Point) -> Vec<Cell> {
        let bounds = self.bounds(centre);
        let mut steps = steps_for(self.reach(), centre.latitude);
        let mut cell = Cell::of(centre, steps, LATITUDE_MAX);
        if steps > 1 && !cell.covers_with_neighbours(bounds) {
            steps -= 1;
            cell = Cell::of(centre, steps, LATITUDE_MAX);
        }
        let area = cell.area();
        // Which sides does the shape not reach? Of large cells, all are looked at.
        let skip = |side: bool| steps >= 2 && side;
        let (no_south, no_north) =
            (skip(area.south < bounds.south), skip(area.north > bounds.north));
        let (no_west, no_east) = (skip(area.west < bounds.west), skip(area.east > bounds.east));
        let mut cells = vec![cell];
        for (x, y) in [(0, 1), (0, -1), (1, 0), (-1, 0), (1, 1), (-1, 1), (1, -1), (-1, -1)] {
            let useless = (y < 0 && no_south)
                || (y > 0 && no_north)
                || (x < 0 && no_west)
                || (x > 0 && no_east);
            let neighbour = cell.neighbour(x, y);
            // Large cells meet again on the other side of the world.
            if !useless && !cells.contains(&neighbour) {
                cells.push(neighbour);
            }
        }
        cells
    }
}

/// How fine cells may be so that nine of them cover a circle, more or less.
fn steps_for(radius: f64, latitude: f64) -> u32 {
    if radius == 0.0 {
        return STEPS_MAX;
    }
    let (mut radius, mut steps) = (radius, 1i32);
    while radius < MAP_RADIUS_M {
        radius *= 2.0;
        steps += 1;
    }
    // Towards the poles cells are narrower than on the map.
    steps -= match latitude.abs() {
        latitude if latitude > 80.0 => 4,
        latitude if latitude > 66.0 => 3,
        _ => 2,
    };
    u32::try_from(steps).unwrap_or(1).clamp(1, STEPS_MAX)
}

impl Cell {
    /// The cell of a place on a map that ends at `latitude_max`.
    fn of(point: Point, steps: u32, latitude_max: f64) -> Self {
        let scale = f64::from(1u32 << steps);
        let place = |value: f64, most: f64| {
            let offset = (value + most) / (2.0 * most);
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked")]
            let place = (offset * scale) as u32;
            place
        };
        Self {
            longitude: place(point.longitude, LONGITUDE_MAX),
            latitude: place(point.latitude, latitude_max),
            steps,
        }
    }

    fn bits(self) -> u64 {
        spread(self.latitude) | (spread(self.longitude) << 1)
    }

    /// The hashes in this cell: the first, and the one behind the last.
    pub(crate) fn hashes(self) -> (u64, u64) {
        let shift = 2 * (STEPS_MAX - self.steps);
        (self.bits() << shift, (self.bits() + 1) << shift)
    }

    fn area(self) -> Area {
        let scale = f64::from(1u32 << self.steps);
        let edge = |place: f64, most: f64| place / scale * (2.0 * most) - most;
        // Of a score that is no place, these may be the largest numbers.
        let (longitude, latitude) = (f64::from(self.longitude), f64::from(self.latitude));
        Area {
            west: edge(longitude, LONGITUDE_MAX),
            south: edge(latitude, LATITUDE_MAX),
            east: edge(longitude + 1.0, LONGITUDE_MAX),
            north: edge(latitude + 1.0, LATITUDE_MAX),
        }
    }

    /// The cell `x` to the east and `y` to the north, around the world if need be.
    fn neighbour(self, x: i32, y: i32) -> Self {
        let mask = (1u32 << self.steps) - 1;
        Self {
            longitude: self.longitude.wrapping_add_signed(x) & mask,
            latitude: self.latitude.wrapping_add_signed(y) & mask,
            steps: self.steps,
        }
    }

    /// Do this cell and those around it reach as far as `bounds`?
    fn covers_with_neighbours(self, bounds: Area) -> bool {
        self.neighbour(0, 1).area().north >= bounds.north
            && self.neighbour(0, -1).area().south <= bounds.south
            && self.neighbour(1, 0).area().east >= bounds.east
            && self.neighbour(-1, 0).area().west <= bounds.west
    }
}

/// Puts a zero before each bit.
fn spread(value: u32) -> u64 {
    let mut bits = u64::from(value);
    for (shift, mask) in [
        (16, 0x0000_FFFF_0000_FFFF),
        (8, 0x00FF_00FF_00FF_00FF),
        (4, 0x0F0F_0F0F_0F0F_0F0F),
        (2, 0x3333_3333_3333_3333),
        (1, 0x5555_5555_5555_5555),
    ] {
        bits = (bits | (bits << shift)) & mask;
    }
    bits
}

/// The opposite of [`spread`]: takes every other bit, from the lowest on.
fn every_other(bits: u64) -> u32 {
    let mut bits = bits & 0x5555_5555_5555_5555;
    for (shift, mask) in [
        (1, 0x3333_3333_3333_3333),
        (2, 0x0F0F_0F0F_0F0F_0F0F),
        (4, 0x00FF_00FF_00FF_00FF),
        (8, 0x0000_FFFF_0000_FFFF),
        (16, 0x0000_0000_FFFF_FFFF),
    ] {
        bits = (bits | (bits >> shift)) & mask;
    }
    u32::try_from(bits).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const PALERMO: Point = Point { longitude: 13.361_389, latitude: 38.115_556 };
    const CATANIA: Point = Point { longitude: 15.087_269, latitude: 37.502_669 };

    #[test]
    fn known_places() {
        assert_eq!(PALERMO.hash(), 3_479_099_956_230_698);
        let palermo = Point::of_hash(PALERMO.hash());
        assert_eq!(format!("{:.14}", palermo.longitude), "13.36138933897018");
        assert_eq!(palermo.text(), "sqc8b49rny0");
        let distance = palermo.distance(Point::of_hash(CATANIA.hash()));
        assert_eq!(format!("{distance:.4}"), "166274.1516");
    }

    #[test]
    fn bits_spread_and_gather() {
        for value in [0, 1, 0x3FF_FFFF, 0x155_5555, u32::MAX] {
            assert_eq!(every_other(spread(value)), value);
        }
    }

    /// Two places up to some hundred kilometres apart. Across the edges of the map, and near the
    /// poles, cells miss some places.
    fn neighbours() -> impl Strategy<Value = (Point, Point)> {
        let offset = || -8.0..8.0;
        (-90.0..90.0, -60.0..60.0, offset(), offset()).prop_map(|(longitude, latitude, x, y)| {
            let other = Point { longitude: longitude + x, latitude: latitude + y };
            (Point { longitude, latitude }, other)
        })
    }

    proptest! {
        #[test]
        fn cells_cover_a_circle((centre, other) in neighbours(), share in 0.0..1.5) {
            let radius = centre.distance(other) * share;
            let other = Point::of_hash(other.hash());
            let shape = Shape::Circle { radius };
            if shape.distance(centre, other).is_some() {
                let hash = other.hash();
                let covered = shape.cells(centre).iter().any(|cell| {
                    let (first, end) = cell.hashes();
                    (first..end).contains(&hash)
                });
                prop_assert!(covered);
            }
        }
    }
}
