// Instance, group and layer norm, forward: y = (x - mean) / sqrt(variance + eps) * weight + bias, with the statistics
// of each row. A row is `per` consecutive planes: one channel of one picture (instance norm), the channels of a group
// (group norm), or the normalised part of one sample, as one plane (layer norm).
// Passes: `statistics` reads x, `join` and `combine` merge the statistics of its lanes, `normalise` writes y.
//
// Layout: x and y (planes, pixels). A plane is cut into `count` pieces. In `statistics` EACH lanes share a piece, and
// lane t of them takes values t, t + EACH, … of it. EACH is LANES for large planes and less for short ones. `partials`
// holds the mean and the root of the sum of squared deviations of each lane, [plane][piece][lane], `pieces` those of
// each piece, `table` (mean, 1 / deviation) of each row. Lanes meet in `join` and not in workgroup memory: see
// batch_norm.wgsl. If lanes are few, `combine` merges them directly. In `normalise` workgroup (s, k) takes run s of the
// planes k, k + groups.y, ….
//
// Constants of the loader: WEIGHTED and BIASED, whether there are a weight and a bias; PER_ELEMENT, whether they have a
// value per position of a plane, else per channel, plane % channels.
//
// Statistics: see statistics.wgsl, which is appended. The pivot of a row is its first value; means, also those in the
// table, are relative to it.
// Source: Ulyanov, Vedaldi & Lempitsky 2016, "Instance Normalization: The Missing Ingredient for Fast Stylization"; Wu
// & He 2018, "Group Normalization"; Ba, Kiros & Hinton 2016, "Layer Normalization".

struct Params {
  planes: u32,
  pixels: u32,
  // Planes of a row, and channels: planes of one picture.
  per: u32,
  channels: u32,
  // Pieces of a plane, and pixels of one.
  count: u32,
  piece: u32,
  // Parts of a piece that `combine` finds: 1, or EACH without `join`.
  parts: u32,
  // Pixels of a plane that one workgroup of `normalise` takes.
  run: u32,
  eps: f32,
}

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read_write> partials: array<vec2f>;

fn pivot_of(row: u32) -> f32 {
  return x[row * p.per * p.pixels];
}

// Pixels of piece i of all.
fn length_of_piece(i: u32) -> u32 {
  return min(p.piece, p.pixels - i % p.count * p.piece);
}

// How many of `values` values belong to lane t of `all` lanes.
fn share_of(t: u32, all: u32, values: u32) -> f32 {
  return f32((values + all - 1u - t) / all);
}

@compute @workgroup_size(LANES)
fn statistics(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  for (var j = id.x; j < p.planes * p.count * EACH; j += groups.x * LANES) {
    let piece = j / EACH;
    let plane = piece / p.count;
    let pivot = pivot_of(plane / p.per);
    let begin = plane * p.pixels + piece % p.count * p.piece;
    let end = begin + length_of_piece(piece);
    let first = begin + j % EACH;
    let guess = x[min(first, end - 1u)] - pivot;
    var found = nothing_found(guess);
    var i = first;
    while (i < end) {
      let stop = min(i + BLOCK * EACH, end);
      let values = f32((stop - i + EACH - 1u) / EACH);
      var sum = 0.0;
      var squares = 0.0;
      for (; i < stop; i += EACH) {
        let d = (x[i] - pivot) - found.mean;
        sum += d;
        squares += d * d;
      }
      found = with_block(found, values, sum, squares);
    }
    if (found.over) {
      found = nothing_found(guess);
      for (i = first; i < end; i += EACH) {
        found = with_scaled(found, x[i] - pivot);
      }
    }
    partials[j] = mean_and_root(found);
  }
}

@group(0) @binding(3) var<storage, read> lanes: array<vec2f>;
@group(0) @binding(4) var<storage, read_write> pieces: array<vec2f>;

// One invocation per piece.
@compute @workgroup_size(LANES)
fn join(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.x + id.y * groups.x * LANES;
  if (i >= p.planes * p.count) {
    return;
  }
  var all = vec3f();
  for (var t = 0u; t < EACH; t++) {
    all = joined(all, vec3f(share_of(t, EACH, length_of_piece(i)), lanes[i * EACH + t]));
  }
  pieces[i] = all.yz;
}

@group(0) @binding(5) var<storage, read> parts: array<vec2f>;
@group(0) @binding(6) var<storage, read_write> table: array<vec2f>;

// One invocation per row.
@compute @workgroup_size(LANES)
fn combine(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let row = id.x + id.y * groups.x * LANES;
  if (row >= p.planes / p.per) {
    return;
  }
  var all = vec3f();
  for (var q = 0u; q < p.per * p.count; q++) {
    let i = row * p.per * p.count + q;
    for (var t = 0u; t < p.parts; t++) {
      all = joined(all, vec3f(share_of(t, p.parts, length_of_piece(i)), parts[i * p.parts + t]));
    }
  }
  table[row] = vec2f(all.y, inverse_deviation(all.z, f32(p.per * p.pixels), p.eps));
}

@group(0) @binding(7) var<storage, read> known: array<vec2f>;
@group(0) @binding(8) var<storage, read> weight: array<f32>;
@group(0) @binding(9) var<storage, read> bias: array<f32>;
@group(0) @binding(10) var<storage, read_write> y: array<f32>;

@compute @workgroup_size(LANES)
fn normalise(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) t: u32,
) {
  let end = min((group.x + 1u) * p.run, p.pixels);
  for (var k = group.y; k < p.planes; k += groups.y) {
    let row = known[k / p.per];
    let pivot = pivot_of(k / p.per);
    var scale = row.y;
    var shift = 0.0;
    if (WEIGHTED & !PER_ELEMENT) {
      scale *= weight[k % p.channels];
    }
    if (BIASED & !PER_ELEMENT) {
      shift = bias[k % p.channels];
    }
    for (var i = group.x * p.run + t; i < end; i += LANES) {
      let here = k * p.pixels + i;
      var v = ((x[here] - pivot) - row.x) * scale;
      if (WEIGHTED & PER_ELEMENT) {
        v *= weight[i];
      }
      if (BIASED & PER_ELEMENT) {
        v += bias[i];
      }
      y[here] = v + shift;
    }
  }
}
