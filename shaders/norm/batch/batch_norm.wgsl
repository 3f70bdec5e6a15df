// Batch norm, forward: y = (x - mean) / sqrt(variance + eps) * weight + bias, for each channel over pictures and pixels,
// and through a leaky ReLU where `slope` is not 1.
// Passes:
//   GPU: `statistics` reads x and combines the lanes of each workgroup. `normalise_batch` combines the workgroups of a
//     channel and writes y. `single_slice` does both if a channel is one slice.
//   CPU: a barrier costs more than a whole slice. So `statistics` stores a result per lane, `join` (if there are many) and
//     `combine` combine them in dispatches of their own, and `normalise` writes y.
//   With running statistics: `evaluate`, then `normalise`.
//
// Layout: x and y (N, channels, plane). The values of a channel are cut into slices. In `statistics` and `normalise`
// workgroup (s, c) processes slice s of channel c, so that few channels still make many workgroups. Lane t processes its
// values t, t + LANES, … Channels that do not fit into y continue in z. `partials` holds the mean and the root of the sum of
// squared deviations: for each lane, [channel][slice][lane], or with MEET for each slice. `slices` holds them for each
// slice. `table` holds (mean, 1 / deviation, weight, bias) for each channel, all that later passes need.
//
// Appended: channel.wgsl, combine.wgsl, statistics.wgsl, which explains the sums, and `write` of write.wgsl or write_dropout.wgsl.
// The pivot of a channel is its first value. Means are relative to it, in the table too. Running statistics, and tables
// made of them, have no pivot.
// Source: Ioffe & Szegedy 2015, "Batch Normalization".

struct Params {
  channels: u32,
  plane: u32,
  // Values of a channel.
  n: u32,
  // Values of a slice, a multiple of LANES.
  slice: u32,
  // Slices of a channel; with MEET at most LANES.
  count: u32,
  // Results per slice: 1, or LANES before they are combined.
  per: u32,
  // A step of LANES values in a channel, as pictures and pixels.
  step_pictures: u32,
  step_pixels: u32,
  eps: f32,
  momentum: f32,
  // 1: update the running statistics. Only the first run of a batch does.
  moves: u32,
  // 1: use the batch's own statistics, which have pivots.
  training: u32,
  // Leaky ReLU of the output: 1 for none.
  slope: f32,
  // Dropout: the number of the layer, rate * 2^32, 1 / (1 - rate).
  layer: u32,
  threshold: u32,
  factor: f32,
}

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read_write> partials: array<vec2f>;
@group(0) @binding(10) var<storage, read_write> tracked: array<u32>;

fn pivot_of(channel: u32) -> f32 {
  return x[channel * p.plane];
}

// The statistics of lane t's values of a slice.
fn found_in(slice: u32, channel: u32, t: u32) -> Found {
  let end = min((slice + 1u) * p.slice, p.n);
  let pivot = pivot_of(channel);
  var j = slice * p.slice + t;
  var at = place(j);
  let guess = x[address(at, channel) * select(0u, 1u, j < end)] - pivot;
  var found = nothing_found(guess);
  while (j < end) {
    let stop = min(j + BLOCK * LANES, end);
    let values = f32((stop - j + LANES - 1u) / LANES);
    var sum = 0.0;
    var squares = 0.0;
    for (; j < stop; j += LANES) {
      let d = (x[address(at, channel)] - pivot) - found.mean;
      sum += d;
      squares += d * d;
      at = next(at);
    }
    found = with_block(found, values, sum, squares);
  }
  if (found.over) {
    found = nothing_found(guess);
    j = slice * p.slice + t;
    at = place(j);
    for (; j < end; j += LANES) {
      found = with_scaled(found, x[address(at, channel)] - pivot);
      at = next(at);
    }
  }
  return found;
}

@compute @workgroup_size(LANES)
fn statistics(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) t: u32,
) {
  let channel = group.y + group.z * groups.y;
  if (channel >= p.channels) {
    return;
  }
  let found = found_in(group.x, channel, t);
  if (MEET) {
    let slice = met(t, vec3f(found.values, mean_and_root(found)));
    if (t == 0u) {
      partials[channel * p.count + group.x] = slice.yz;
    }
  } else {
    partials[(channel * p.count + group.x) * LANES + t] = mean_and_root(found);
  }
  count_batch(group.x, channel, t);
}

fn count_batch(slice: u32, channel: u32, t: u32) {
  if ((channel == 0u) & (slice == 0u) & (t == 0u) & (p.moves != 0u)) {
    tracked[0] += 1u;
  }
}

var<workgroup> meeting: array<vec3f, LANES>;

// Combines the statistics of all lanes. Every lane gets the result, combined in the same order.
fn met(t: u32, own: vec3f) -> vec3f {
  meeting[t] = own;
  for (var half = LANES / 2u; half > 0u; half /= 2u) {
    workgroupBarrier();
    if (t < half) {
      meeting[t] = joined(meeting[t], meeting[t + half]);
    }
  }
  workgroupBarrier();
  return meeting[0];
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
@group(0) @binding(11) var<storage, read_write> table: array<vec4f>;

// One invocation for each channel.
@compute @workgroup_size(LANES)
fn combine(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let c = id.x + id.y * groups.x * LANES;
  if (c >= p.channels) {
    return;
  }
  let sum = combined(c);
  table[c] = known_of(c, sum);
  move_statistics(c, pivot_of(c), sum, p.n);
}

fn known_of(c: u32, sum: vec3f) -> vec4f {
  return vec4f(sum.y, inverse_deviation(sum.z, f32(p.n), p.eps), weight[c], bias[c]);
}

@group(0) @binding(12) var<storage, read> fixed_mean: array<f32>;
@group(0) @binding(13) var<storage, read> fixed_var: array<f32>;

// One invocation for each channel.
@compute @workgroup_size(LANES)
fn evaluate(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let c = id.x + id.y * groups.x * LANES;
  if (c >= p.channels) {
    return;
  }
  table[c] = vec4f(fixed_mean[c], 1.0 / sqrt(fixed_var[c] + p.eps), weight[c], bias[c]);
}

@group(0) @binding(14) var<storage, read> known: array<vec4f>;
@group(0) @binding(15) var<storage, read_write> y: array<f32>;

@compute @workgroup_size(LANES)
fn normalise(
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

// With MEET. Each lane takes the result of one slice, then continues as `normalise`. The first slice's workgroup stores the
// channel's statistics.
@compute @workgroup_size(LANES)
fn normalise_batch(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) t: u32,
) {
  let c = group.y + group.z * groups.y;
  if (c >= p.channels) {
    return;
  }
  var own = vec3f();
  if (t < p.count) {
    own = vec3f(f32(min(p.slice, p.n - t * p.slice)), parts[c * p.count + t]);
  }
  let sum = met(t, own);
  let channel = known_of(c, sum);
  if ((group.x == 0u) & (t == 0u)) {
    table[c] = channel;
    move_statistics(c, pivot_of(c), sum, p.n);
  }
  write(group.x, c, t, channel);
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
  let found = found_in(0u, c, t);
  let sum = met(t, vec3f(found.values, mean_and_root(found)));
  let channel = known_of(c, sum);
  if (t == 0u) {
    table[c] = channel;
    move_statistics(c, pivot_of(c), sum, p.n);
  }
  count_batch(0u, c, t);
  write(0u, c, t, channel);
}
