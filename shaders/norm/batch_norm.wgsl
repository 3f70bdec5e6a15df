// Batch norm, forward: y = (x - mean) / sqrt(variance + eps) * weight + bias, for each channel over pictures and pixels,
// and through a leaky ReLU where `slope` is not 1.
// Four passes: `statistics` goes through x, `join` and `combine` gather what its lanes found and move the running
// statistics, `normalise` writes y. `evaluate` stands in for the first three where the running statistics are used.
//
// Layout: x and y (N, channels, plane). The values of a channel are cut into slices; in `statistics` and `normalise`
// workgroup (s, c) has slice s of channel c, so that few channels still make many workgroups, and lane t takes values
// t, t + LANES, … of it. `partials` holds mean and sum of squared deviations of each lane, [channel][slice][lane], `slices`
// those of each slice, `table` one (mean, 1 / deviation, weight, bias) a channel: all that later passes need to know.
// Lanes meet in `join` and not in workgroup memory, because a barrier on a CPU driver costs more than the whole slice;
// where they are few, `combine` takes them as they are.
//
// Statistics: Welford's update along each lane, then pairs joined in a fixed order. Sum of squares minus square of the
// sum would lose all digits of a variance that is small beside the mean.
// Source: Ioffe & Szegedy 2015, "Batch Normalization"; Chan, Golub & LeVeque 1983, "Algorithms for Computing the Sample
// Variance: Analysis and Recommendations".

struct Params {
  channels: u32,
  plane: u32,
  // Values of a channel, and how many of them are one slice (a multiple of LANES).
  n: u32,
  slice: u32,
  // Slices of a channel, and parts of a slice that `combine` finds: 1, or LANES without `join`.
  count: u32,
  per: u32,
  // LANES values on in a channel: so many pictures, then so many pixels.
  step_pictures: u32,
  step_pixels: u32,
  eps: f32,
  momentum: f32,
  // 1: this run is the batch's first, and the running statistics move.
  moves: u32,
  // Leaky ReLU on the way out: 1 for none.
  slope: f32,
}

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read_write> partials: array<vec2f>;

// Where value j of a channel lies.
struct Place {
  picture: u32,
  pixel: u32,
}

fn place(j: u32) -> Place {
  return Place(j / p.plane, j % p.plane);
}

// The place LANES values on, without a division.
fn next(a: Place) -> Place {
  let pixel = a.pixel + p.step_pixels;
  let over = pixel >= p.plane;
  return Place(a.picture + p.step_pictures + select(0u, 1u, over), select(pixel, pixel - p.plane, over));
}

fn address(a: Place, channel: u32) -> u32 {
  return (a.picture * p.channels + channel) * p.plane + a.pixel;
}

@compute @workgroup_size(LANES)
fn statistics(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) t: u32) {
  let end = min((group.x + 1u) * p.slice, p.n);
  var j = group.x * p.slice + t;
  var at = place(j);
  var values = 0.0;
  var mean = 0.0;
  var squares = 0.0;
  for (; j < end; j += LANES) {
    let v = x[address(at, group.y)];
    let d = v - mean;
    values += 1.0;
    mean += d / values;
    squares += d * (v - mean);
    at = next(at);
  }
  partials[(group.y * p.count + group.x) * LANES + t] = vec2f(mean, squares);
}

// a and b are (number of values, mean, sum of squared deviations) of two sets; the same of their union.
fn joined(a: vec3f, b: vec3f) -> vec3f {
  let n = a.x + b.x;
  let share = b.x / max(n, 1.0);
  let d = b.y - a.y;
  return vec3f(n, a.y + d * share, a.z + b.z + d * d * a.x * share);
}

@group(0) @binding(3) var<storage, read> lanes: array<vec2f>;
@group(0) @binding(4) var<storage, read_write> slices: array<vec2f>;

// One invocation for each slice of each channel.
@compute @workgroup_size(LANES)
fn join(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.x + id.y * groups.x * LANES;
  if (i >= p.channels * p.count) {
    return;
  }
  let values = min(p.slice, p.n - i % p.count * p.slice);
  var sum = vec3f();
  for (var t = 0u; t < LANES; t++) {
    sum = joined(sum, vec3f(f32((values + (LANES - 1u) - t) / LANES), lanes[i * LANES + t]));
  }
  slices[i] = sum.yz;
}

@group(0) @binding(5) var<storage, read> parts: array<vec2f>;
@group(0) @binding(6) var<storage, read> weight: array<f32>;
@group(0) @binding(7) var<storage, read> bias: array<f32>;
@group(0) @binding(8) var<storage, read_write> running_mean: array<f32>;
@group(0) @binding(9) var<storage, read_write> running_var: array<f32>;
@group(0) @binding(10) var<storage, read_write> tracked: array<u32>;
@group(0) @binding(11) var<storage, read_write> table: array<vec4f>;

// One invocation for each channel.
@compute @workgroup_size(LANES)
fn combine(@builtin(global_invocation_id) id: vec3u) {
  let c = id.x;
  if (c >= p.channels) {
    return;
  }
  var sum = vec3f();
  for (var s = 0u; s < p.count; s++) {
    let values = min(p.slice, p.n - s * p.slice);
    for (var t = 0u; t < p.per; t++) {
      sum = joined(sum, vec3f(f32((values + p.per - 1u - t) / p.per), parts[(c * p.count + s) * p.per + t]));
    }
  }
  table[c] = vec4f(sum.y, 1.0 / sqrt(sum.z / f32(p.n) + p.eps), weight[c], bias[c]);
  if (p.moves == 0u) {
    return;
  }
  running_mean[c] = (1.0 - p.momentum) * running_mean[c] + p.momentum * sum.y;
  running_var[c] = (1.0 - p.momentum) * running_var[c] + p.momentum * (sum.z / f32(p.n - 1u));
  if (c == 0u) {
    tracked[0] += 1u;
  }
}

@group(0) @binding(12) var<storage, read> fixed_mean: array<f32>;
@group(0) @binding(13) var<storage, read> fixed_var: array<f32>;

// One invocation for each channel.
@compute @workgroup_size(LANES)
fn evaluate(@builtin(global_invocation_id) id: vec3u) {
  let c = id.x;
  if (c >= p.channels) {
    return;
  }
  table[c] = vec4f(fixed_mean[c], 1.0 / sqrt(fixed_var[c] + p.eps), weight[c], bias[c]);
}

@group(0) @binding(14) var<storage, read> known: array<vec4f>;
@group(0) @binding(15) var<storage, read_write> y: array<f32>;

@compute @workgroup_size(LANES)
fn normalise(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) t: u32) {
  let channel = known[group.y];
  let scale = channel.y * channel.z;
  let end = min((group.x + 1u) * p.slice, p.n);
  var j = group.x * p.slice + t;
  var at = place(j);
  for (; j < end; j += LANES) {
    let here = address(at, group.y);
    let v = (x[here] - channel.x) * scale + channel.w;
    y[here] = leaky_relu(v, p.slope);
    at = next(at);
  }
}
