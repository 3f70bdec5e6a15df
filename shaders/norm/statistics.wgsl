// Mean and deviation of many float32 values, appended to the shaders of the norms. A set of values is represented by
// its number of values, its mean and the root of the sum of squared deviations.
//
// A pivot, one of the values, is subtracted from all: what remains of 1000.001, 1000.002 … is small, and so is its
// rounding. A lane takes a block of values at a time, sums their distances from its mean so far and the squares of
// these, and updates the mean and the squared deviations. Then sets are merged two by two in a fixed order. The sum of
// squares minus the square of the sum would lose all digits of a variance that is small against the mean. Lanes store
// only roots. A lane whose squares exceed LIMIT processes its values again with squares in units of 1 / SMALL squared,
// so that values of 1e30 and more do not overflow.
// Source: Chan, Golub & LeVeque 1983, "Algorithms for Computing the Sample Variance: Analysis and Recommendations";
// the two scales are those of Blue 1978, "A Portable Fortran Program to Find the Euclidean Norm of a Vector".

// Values of a block, which costs one division.
const BLOCK = 16u;
const LIMIT = 1e36f;
const BIG = 0x1p50f;
const SMALL = 0x1p-64f;

// A lane's statistics so far.
struct Found {
  values: f32,
  mean: f32,
  squares: f32,
  over: bool,
}

// The empty set; `guess` is near the values, e.g. the first of them.
fn nothing_found(guess: f32) -> Found {
  return Found(0.0, guess, 0.0, false);
}

// Adds a block of values; their distances from the mean so far add up to `sum`, the squares of these to `squares`.
fn with_block(before: Found, values: f32, sum: f32, squares: f32) -> Found {
  let n = before.values + values;
  let step = sum / n;
  let more = before.squares + max(squares - sum * step, 0.0);
  return Found(n, before.mean + step, more, before.over | (squares > LIMIT) | (more > LIMIT));
}

// Adds one value, with squares in units of 1 / SMALL squared: Welford's update.
fn with_scaled(before: Found, v: f32) -> Found {
  let n = before.values + 1.0;
  let d = v - before.mean;
  let mean = before.mean + d / n;
  return Found(n, mean, before.squares + (d * SMALL) * ((v - mean) * SMALL), true);
}

// (mean, root) of a lane's values; for a lane over the limit they come from its second pass.
fn mean_and_root(found: Found) -> vec2f {
  return vec2f(found.mean, sqrt(found.squares) * select(1.0, 1.0 / SMALL, found.over));
}

// Merges two sets, given as (number, mean, root).
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

// 1 / sqrt(variance + eps) of a set of n values. Beyond BIG its square would overflow, and eps is negligible.
fn inverse_deviation(root: f32, n: f32, eps: f32) -> f32 {
  let deviation = root / sqrt(n);
  return select(1.0 / sqrt(deviation * deviation + eps), 1.0 / deviation, deviation > BIG);
}
