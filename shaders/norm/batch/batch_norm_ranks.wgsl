// Batch norm over the batches of several ranks. Each rank gathers the results of batch_norm.wgsl or batch_norm_backward.wgsl
// from all ranks. These passes combine them, on every rank in the same order.
// `summarise` and `combine` replace the forward pass's `combine`. `slopes_of_all` runs after the backward pass's.
//
// Layout: one invocation for each channel. `parts` as in batch_norm.wgsl. `summary` holds (pivot, mean relative to it, root
// of the sum of squared deviations, 0) for each channel, `summaries` that of all ranks, [rank][channel]. `sums` holds all
// dbias, then all dweight of each rank, [rank][2][channel]. `table` and `slopes` as in batch_norm.wgsl and
// batch_norm_backward.wgsl; their means are relative to this rank's own pivot.
// Appended: combine.wgsl and statistics.wgsl.
// Source: Ioffe & Szegedy 2015, "Batch Normalization".

struct Params {
  channels: u32,
  plane: u32,
  // Values of a channel on each rank, and of a slice.
  n: u32,
  slice: u32,
  // Slices of a channel, and results per slice.
  count: u32,
  per: u32,
  ranks: u32,
  rank: u32,
  eps: f32,
  momentum: f32,
  // 1: update the running statistics. Only the first run of a batch does.
  moves: u32,
}

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> parts: array<vec2f>;
@group(0) @binding(3) var<storage, read_write> summary: array<vec4f>;

@compute @workgroup_size(LANES)
fn summarise(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let c = id.x + id.y * groups.x * LANES;
  if (c >= p.channels) {
    return;
  }
  let sum = combined(c);
  summary[c] = vec4f(x[c * p.plane], sum.yz, 0.0);
}

@group(0) @binding(4) var<storage, read> summaries: array<vec4f>;
@group(0) @binding(5) var<storage, read> weight: array<f32>;
@group(0) @binding(6) var<storage, read> bias: array<f32>;
@group(0) @binding(7) var<storage, read_write> running_mean: array<f32>;
@group(0) @binding(8) var<storage, read_write> running_var: array<f32>;
@group(0) @binding(10) var<storage, read_write> table: array<vec4f>;

@compute @workgroup_size(LANES)
fn combine(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let c = id.x + id.y * groups.x * LANES;
  if (c >= p.channels) {
    return;
  }
  let pivot = summaries[p.rank * p.channels + c].x;
  var sum = vec3f();
  for (var r = 0u; r < p.ranks; r++) {
    let found = summaries[r * p.channels + c];
    sum = joined(sum, vec3f(f32(p.n), (found.x - pivot) + found.y, found.z));
  }
  table[c] = vec4f(sum.y, inverse_deviation(sum.z, f32(p.n * p.ranks), p.eps), weight[c], bias[c]);
  move_statistics(c, pivot, sum, p.n * p.ranks);
}

@group(0) @binding(11) var<storage, read> sums: array<f32>;
@group(0) @binding(12) var<storage, read> known: array<vec4f>;
@group(0) @binding(13) var<storage, read_write> slopes: array<vec4f>;

@compute @workgroup_size(LANES)
fn slopes_of_all(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let c = id.x + id.y * groups.x * LANES;
  if (c >= p.channels) {
    return;
  }
  var sum = vec2f();
  for (var r = 0u; r < p.ranks; r++) {
    let at = r * 2u * p.channels + c;
    sum += vec2f(sums[at], sums[at + p.channels]);
  }
  let channel = known[c];
  let mean = sum / f32(p.n * p.ranks);
  slopes[c] = vec4f(channel.x, channel.y * channel.z, mean.x, mean.y * channel.y);
}
