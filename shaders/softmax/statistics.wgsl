// Statistics of a softmax along an axis: the largest value m, and the sum of exp(x - m), in one pass. Whenever a larger
// value comes, the sum so far is rescaled to it. exp is only applied to values of at most 0. A long axis is cut into
// parts, with `columns` and `rows` as in reduce_axis.wgsl; `again` merges the parts' results. exponential.wgsl and
// is_nan.wgsl are appended.
//
// Layout: x (outer, length, inner), partials (outer, parts, inner) or with `rows` (outer, parts * LANES) pairs of m and
// sum; `most` and `total` (outer, inner), which `direct` writes from x if the axis is one part, and `finish` from the
// pairs.
// Source: Milakov & Gimelshein 2018, "Online Normalizer Calculation for Softmax".

struct Params {
  n: u32,
  length: u32,
  inner: u32,
  slice: u32,
  parts: u32,
}

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read_write> partials: array<vec2f>;
@group(0) @binding(3) var<storage, read> pairs: array<vec2f>;
@group(0) @binding(4) var<storage, read_write> most: array<f32>;
@group(0) @binding(5) var<storage, read_write> total: array<f32>;

// Lower than any number but finite: minus infinity after it adds exp(-infinity) = 0, while -infinity - -infinity is
// NaN.
const LOWEST = vec2f(-3.4028234e38, 0.0);

fn joined(a: vec2f, b: vec2f) -> vec2f {
  let ahead = b.x - a.x;
  let e = exponential(-abs(ahead));
  return select(vec2f(a.x, a.y + b.y * e), vec2f(b.x, a.y * e + b.y), ahead > 0.0);
}

fn over_values(j: u32) -> vec2f {
  let run = j / p.inner;
  let part = run % p.parts;
  let base = run / p.parts * p.length * p.inner + j % p.inner;
  var so_far = LOWEST;
  for (var k = part * p.slice; k < min((part + 1u) * p.slice, p.length); k++) {
    so_far = joined(so_far, vec2f(x[base + k * p.inner], 1.0));
  }
  return so_far;
}

@compute @workgroup_size(LANES)
fn columns(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  for (var j = id.x; j < p.n; j += groups.x * LANES) {
    partials[j] = over_values(j);
  }
}

@compute @workgroup_size(LANES)
fn direct(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  for (var j = id.x; j < p.n; j += groups.x * LANES) {
    let found = over_values(j);
    most[j] = found.x;
    total[j] = found.y;
  }
}

@compute @workgroup_size(LANES)
fn rows(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) t: u32,
) {
  for (var run = group.x; run < p.n; run += groups.x) {
    let part = run % p.parts;
    let base = run / p.parts * p.length;
    var so_far = LOWEST;
    for (var k = part * p.slice + t; k < min((part + 1u) * p.slice, p.length); k += LANES) {
      so_far = joined(so_far, vec2f(x[base + k], 1.0));
    }
    partials[run * LANES + t] = so_far;
  }
}

fn over_parts(j: u32) -> vec2f {
  let run = j / p.inner;
  let part = run % p.parts;
  let base = run / p.parts * p.length * p.inner + j % p.inner;
  var so_far = LOWEST;
  for (var k = part * p.slice; k < min((part + 1u) * p.slice, p.length); k++) {
    so_far = joined(so_far, pairs[base + k * p.inner]);
  }
  return so_far;
}

@compute @workgroup_size(LANES)
fn again(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  for (var j = id.x; j < p.n; j += groups.x * LANES) {
    partials[j] = over_parts(j);
  }
}

@compute @workgroup_size(LANES)
fn finish(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  for (var j = id.x; j < p.n; j += groups.x * LANES) {
    let found = over_parts(j);
    most[j] = found.x;
    total[j] = found.y;
  }
}
