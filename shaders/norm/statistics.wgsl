// Mean and deviation of many float32 values, joined to the shaders of the norms. Sets of values are known by their number,
// their mean and the root of the sum of their squared deviations.
//
// Values come less a pivot, one of their own: what is left of 1000.001, 1000.002 … is small, and so is its rounding. Then
// Welford's update along each lane, and sets joined two by two in a fixed order: sum of squares less square of the sum
// would lose all digits of a variance that is small beside the mean. Squares of values beyond BIG are kept in units of
// 1 / SMALL squared, and only roots leave a lane, so that values up to 1e30 and more do not overflow.
// Source: Chan, Golub & LeVeque 1983, "Algorithms for Computing the Sample Variance: Analysis and Recommendations"; the two
// scales are those of Blue 1978, "A Portable Fortran Program to Find the Euclidean Norm of a Vector".

const BIG = 0x1p50f;
const SMALL = 0x1p-64f;

// What a lane has found so far; `scale` is that of the squares.
struct Found {
  values: f32,
  mean: f32,
  squares: f32,
  scale: f32,
}

fn nothing_found() -> Found {
  return Found(0.0, 0.0, 0.0, 1.0);
}

// With one value more, less the pivot.
fn found_too(before: Found, v: f32) -> Found {
  var found = before;
  let d = v - found.mean;
  let over = (abs(d) > BIG) & (found.scale == 1.0);
  found.scale = select(found.scale, SMALL, over);
  found.squares *= select(1.0, SMALL * SMALL, over);
  found.values += 1.0;
  found.mean += d / found.values;
  found.squares += (d * found.scale) * ((v - found.mean) * found.scale);
  return found;
}

// (mean, root) of what a lane has found.
fn mean_and_root(found: Found) -> vec2f {
  return vec2f(found.mean, sqrt(found.squares) / found.scale);
}

// a and b are (number, mean, root) of two sets; the same of their union.
fn joined(a: vec3f, b: vec3f) -> vec3f {
  let n = a.x + b.x;
  let share = b.x / max(n, 1.0);
  let d = b.y - a.y;
  return vec3f(n, a.y + d * share, length_of(vec3f(a.z, b.z, d * sqrt(a.x * share))));
}

fn length_of(v: vec3f) -> f32 {
  let scale = select(1.0, SMALL, max(v.x, max(v.y, abs(v.z))) > BIG);
  let w = v * scale;
  return sqrt(w.x * w.x + w.y * w.y + w.z * w.z) / scale;
}

// 1 / sqrt(variance + eps) of a set of n values. Beyond BIG its square would overflow, and eps does not count.
fn inverse_deviation(root: f32, n: f32, eps: f32) -> f32 {
  let deviation = root / sqrt(n);
  return select(1.0 / sqrt(deviation * deviation + eps), 1.0 / deviation, deviation > BIG);
}
