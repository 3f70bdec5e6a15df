// Batch norm, backward. With z = (x - mean) / deviation, the sums over a channel's n values and k = weight / deviation:
//   dbias = sum dy        dweight = sum dy * z        dx = k * (dy - dbias / n - z * dweight / n)
// If the forward pass ends in a leaky ReLU, dy is the gradient before it, recomputed from x. If it ends in a ReLU and
// dropout, dy is computed from its result. `before` does that: before.wgsl or before_dropout.wgsl.
// In evaluation mode mean and deviation do not depend on x, so there are no last two terms: `share` is 0, not 1 / n.
// Means are relative to the channel's pivot, which is 0 in evaluation mode.
//
// Passes:
//   GPU: `sums` reads x and dy and combines the lanes of each workgroup. `input_batch` combines the workgroups of a channel
//     and writes dx. `single_slice` does both if a channel is one slice.
//   CPU: `sums` stores a result per lane, `join` (if there are many) and `combine` add them, and `input` writes dx.
//
// Layout and tiling as in batch_norm.wgsl, whose `table` it reads: (mean, 1 / deviation, weight, bias) of each channel.
// `partials` holds the two sums: for each lane, [channel][slice][lane], or with MEET for each slice. `slices` holds them for
// each slice. `slopes` holds (mean, k, dbias / n, dweight / n / deviation) for each channel.
// Appended: channel.wgsl and `before`.
// Source: Ioffe & Szegedy 2015, "Batch Normalization", with the gradients of section 3 collected.

struct Params {
  channels: u32,
  plane: u32,
  // Values of a channel.
  n: u32,
  // Values of a slice, a multiple of LANES.
  slice: u32,
  // Slices of a channel; with MEET at most LANES.
  count: u32,
  // Results per slice: 1, or LANES before they are added.
  per: u32,
  // A step of LANES values in a channel, as pictures and pixels.
  step_pictures: u32,
  step_pixels: u32,
  share: f32,
  // Of the leaky ReLU: 1 for none.
  slope: f32,
  // Of dropout: 1 / (1 - rate).
  factor: f32,
}

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> dy: array<f32>;
@group(0) @binding(3) var<storage, read> table: array<vec4f>;
@group(0) @binding(4) var<storage, read_write> partials: array<vec2f>;

fn pivot_of(channel: u32) -> f32 {
  return select(0.0, x[channel * p.plane], p.share > 0.0);
}

// The two sums of lane t over a slice of channel c.
fn sums_of(slice: u32, c: u32, t: u32) -> vec2f {
  let channel = table[c];
  let pivot = pivot_of(c);
  let end = min((slice + 1u) * p.slice, p.n);
  var j = slice * p.slice + t;
  var at = place(j);
  var sum = vec2f();
  for (; j < end; j += LANES) {
    let here = address(at, c);
    let d = (x[here] - pivot) - channel.x;
    let g = before(here, d, channel);
    sum += vec2f(g, g * (d * channel.y));
    at = next(at);
  }
  return sum;
}

@compute @workgroup_size(LANES)
fn sums(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) t: u32,
) {
  let c = group.y + group.z * groups.y;
  if (c >= p.channels) {
    return;
  }
  let sum = sums_of(group.x, c, t);
  if (MEET) {
    let slice = met(t, sum);
    if (t == 0u) {
      partials[c * p.count + group.x] = slice;
    }
  } else {
    partials[(c * p.count + group.x) * LANES + t] = sum;
  }
}

var<workgroup> meeting: array<vec2f, LANES>;

// Adds the values of all lanes. Every lane gets the sum, added in the same order.
fn met(t: u32, own: vec2f) -> vec2f {
  meeting[t] = own;
  for (var half = LANES / 2u; half > 0u; half /= 2u) {
    workgroupBarrier();
    if (t < half) {
      meeting[t] += meeting[t + half];
    }
  }
  workgroupBarrier();
  return meeting[0];
}

@group(0) @binding(5) var<storage, read> lanes: array<vec2f>;
@group(0) @binding(6) var<storage, read_write> slices: array<vec2f>;

// One invocation for each slice of each channel.
@compute @workgroup_size(LANES)
fn join(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.x + id.y * groups.x * LANES;
  if (i >= p.channels * p.count) {
    return;
  }
  var sum = vec2f();
  for (var t = 0u; t < LANES; t++) {
    sum += lanes[i * LANES + t];
  }
  slices[i] = sum;
}

@group(0) @binding(7) var<storage, read> parts: array<vec2f>;
@group(0) @binding(8) var<storage, read_write> dweight: array<f32>;
@group(0) @binding(9) var<storage, read_write> dbias: array<f32>;
@group(0) @binding(10) var<storage, read_write> slopes: array<vec4f>;

// One invocation for each channel.
@compute @workgroup_size(LANES)
fn combine(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let c = id.x + id.y * groups.x * LANES;
  if (c >= p.channels) {
    return;
  }
  var sum = vec2f();
  for (var i = 0u; i < p.count * p.per; i++) {
    sum += parts[c * p.count * p.per + i];
  }
  dbias[c] = sum.x;
  dweight[c] = sum.y;
  slopes[c] = slopes_of(table[c], sum);
}

fn slopes_of(channel: vec4f, sum: vec2f) -> vec4f {
  return vec4f(channel.x, channel.y * channel.z, sum.x * p.share, sum.y * p.share * channel.y);
}

@group(0) @binding(11) var<storage, read> known: array<vec4f>;
@group(0) @binding(12) var<storage, read_write> dx: array<f32>;

@compute @workgroup_size(LANES)
fn input(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) t: u32,
) {
  let c = group.y + group.z * groups.y;
  if (c >= p.channels) {
    return;
  }
  write(group.x, c, t, known[c]);
}

// With MEET. Each lane takes the sums of one slice, then continues as `input`. The first slice's workgroup stores dweight
// and dbias.
@compute @workgroup_size(LANES)
fn input_batch(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) t: u32,
) {
  let c = group.y + group.z * groups.y;
  if (c >= p.channels) {
    return;
  }
  var own = vec2f();
  if (t < p.count) {
    own = parts[c * p.count + t];
  }
  let sum = met(t, own);
  if ((group.x == 0u) & (t == 0u)) {
    dbias[c] = sum.x;
    dweight[c] = sum.y;
  }
  write(group.x, c, t, slopes_of(table[c], sum));
}

// With MEET, for channels of one slice: all passes in one.
@compute @workgroup_size(LANES)
fn single_slice(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) t: u32,
) {
  let c = group.y + group.z * groups.y;
  if (c >= p.channels) {
    return;
  }
  let sum = met(t, sums_of(0u, c, t));
  if (t == 0u) {
    dbias[c] = sum.x;
    dweight[c] = sum.y;
  }
  write(0u, c, t, slopes_of(table[c], sum));
}

fn write(slice: u32, c: u32, t: u32, coefficients: vec4f) {
  let channel = table[c];
  let pivot = pivot_of(c);
  let end = min((slice + 1u) * p.slice, p.n);
  var j = slice * p.slice + t;
  var at = place(j);
  for (; j < end; j += LANES) {
    let here = address(at, c);
    let d = (x[here] - pivot) - channel.x;
    let g = before(here, d, channel);
    // Do not multiply by 0 in evaluation mode: one infinite value would turn every gradient into NaN.
    let centred = (g - coefficients.z) - d * coefficients.w;
    dx[here] = coefficients.y * select(centred, g, p.share == 0.0);
    at = next(at);
  }
}
