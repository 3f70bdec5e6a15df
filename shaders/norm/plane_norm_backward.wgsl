// Instance, group and layer norm, backward. With z = (x - mean) / deviation, g = dy * weight and means over a row:
//   dx = (g - mean(g) - z * mean(g * z)) / deviation        dbias = sum dy        dweight = sum dy * z
// Passes: `sums` reads x and dy, `join` and `combine` add up the sums of its lanes, `input` writes dx. For weight and
// bias with a value per channel, `channels` computes the gradients from the same sums. With a value per position of a
// plane, `places` reads x and dy again, and `total` adds up its sums.
//
// Layout, tiling and constants as in plane_norm.wgsl, whose `table` it reads: (mean relative to the pivot,
// 1 / deviation) of each row. `partials` holds two sums of each lane, [plane][piece][lane], `pieces` those of each
// piece, `coefficients` (mean(g), mean(g * z) / deviation) of each row. In `places` workgroup (s, r) takes positions
// LANES * s … of the planes of share r.
// Source: as batch_norm_backward.wgsl, with a row instead of a channel.

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
  // Pixels of a plane that one workgroup of `input` takes.
  run: u32,
  // Shares into which `places` cuts the planes, and planes of one.
  shares: u32,
  share: u32,
}

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> dy: array<f32>;
@group(0) @binding(3) var<storage, read> table: array<vec2f>;
@group(0) @binding(4) var<storage, read> weight: array<f32>;
@group(0) @binding(5) var<storage, read_write> partials: array<vec2f>;

fn pivot_of(row: u32) -> f32 {
  return x[row * p.per * p.pixels];
}

@compute @workgroup_size(LANES)
fn sums(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  for (var j = id.x; j < p.planes * p.count * EACH; j += groups.x * LANES) {
    let piece = j / EACH;
    let plane = piece / p.count;
    let row = table[plane / p.per];
    let pivot = pivot_of(plane / p.per);
    let first = piece % p.count * p.piece;
    let end = min(first + p.piece, p.pixels);
    var sum = vec2f();
    for (var i = first + j % EACH; i < end; i += EACH) {
      let here = plane * p.pixels + i;
      var g = dy[here];
      if (WEIGHTED & PER_ELEMENT) {
        g *= weight[i];
      }
      sum += vec2f(g, g * (((x[here] - pivot) - row.x) * row.y));
    }
    partials[j] = sum;
  }
}

@group(0) @binding(6) var<storage, read> lanes: array<vec2f>;
@group(0) @binding(7) var<storage, read_write> pieces: array<vec2f>;

// One invocation per piece.
@compute @workgroup_size(LANES)
fn join(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.x + id.y * groups.x * LANES;
  if (i >= p.planes * p.count) {
    return;
  }
  var sum = vec2f();
  for (var t = 0u; t < EACH; t++) {
    sum += lanes[i * EACH + t];
  }
  pieces[i] = sum;
}

@group(0) @binding(8) var<storage, read> parts: array<vec2f>;
@group(0) @binding(9) var<storage, read_write> coefficients: array<vec2f>;

fn sum_of_plane(plane: u32) -> vec2f {
  let each = p.count * p.parts;
  var sum = vec2f();
  for (var i = plane * each; i < (plane + 1u) * each; i++) {
    sum += parts[i];
  }
  return sum;
}

// One invocation per row.
@compute @workgroup_size(LANES)
fn combine(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let row = id.x + id.y * groups.x * LANES;
  if (row >= p.planes / p.per) {
    return;
  }
  var sum = vec2f();
  for (var plane = row * p.per; plane < (row + 1u) * p.per; plane++) {
    var factor = 1.0;
    if (WEIGHTED & !PER_ELEMENT) {
      factor = weight[plane % p.channels];
    }
    sum += factor * sum_of_plane(plane);
  }
  let mean = sum / f32(p.per * p.pixels);
  coefficients[row] = vec2f(mean.x, mean.y * table[row].y);
}

@group(0) @binding(10) var<storage, read> known: array<vec2f>;
@group(0) @binding(11) var<storage, read_write> dx: array<f32>;

@compute @workgroup_size(LANES)
fn input(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) t: u32,
) {
  let end = min((group.x + 1u) * p.run, p.pixels);
  for (var k = group.y; k < p.planes; k += groups.y) {
    let row = table[k / p.per];
    let pivot = pivot_of(k / p.per);
    let coefficient = known[k / p.per];
    var factor = 1.0;
    if (WEIGHTED & !PER_ELEMENT) {
      factor = weight[k % p.channels];
    }
    for (var i = group.x * p.run + t; i < end; i += LANES) {
      let here = k * p.pixels + i;
      var g = dy[here] * factor;
      if (WEIGHTED & PER_ELEMENT) {
        g *= weight[i];
      }
      dx[here] = row.y * ((g - coefficient.x) - ((x[here] - pivot) - row.x) * coefficient.y);
    }
  }
}

@group(0) @binding(12) var<storage, read_write> dweight: array<f32>;
@group(0) @binding(13) var<storage, read_write> dbias: array<f32>;

// One invocation per channel.
@compute @workgroup_size(LANES)
fn channels(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let c = id.x + id.y * groups.x * LANES;
  if (c >= p.channels) {
    return;
  }
  var sum = vec2f();
  for (var plane = c; plane < p.planes; plane += p.channels) {
    sum += sum_of_plane(plane);
  }
  dbias[c] = sum.x;
  dweight[c] = sum.y;
}

// Here `partials` is (shares, pixels).
@compute @workgroup_size(LANES)
fn places(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) t: u32,
) {
  let end = min((group.y + 1u) * p.share, p.planes);
  for (var i = group.x * LANES + t; i < p.pixels; i += groups.x * LANES) {
    var sum = vec2f();
    for (var k = group.y * p.share; k < end; k++) {
      let row = table[k];
      let g = dy[k * p.pixels + i];
      sum += vec2f(g, g * (((x[k * p.pixels + i] - pivot_of(k)) - row.x) * row.y));
    }
    partials[group.y * p.pixels + i] = sum;
  }
}

// One invocation per position of a plane.
@compute @workgroup_size(LANES)
fn total(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.x + id.y * groups.x * LANES;
  if (i >= p.pixels) {
    return;
  }
  var sum = vec2f();
  for (var s = 0u; s < p.shares; s++) {
    sum += lanes[s * p.pixels + i];
  }
  dbias[i] = sum.x;
  dweight[i] = sum.y;
}
