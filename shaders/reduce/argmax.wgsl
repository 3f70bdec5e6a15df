// Index of the largest value along an axis, or of the smallest with LEAST, a constant of the loader: the first of
// equals; NaN beats any number. A long axis is cut into parts, as in reduce_axis.wgsl: `first` searches x, `again` the
// values and indices that the parts found.
//
// Layout: x (outer, length, inner), `best` and `place` (outer, parts, inner). One invocation per value of the result,
// neighbours in `inner` side by side. is_nan.wgsl is appended.

struct Params {
  n: u32,
  length: u32,
  inner: u32,
  // Elements of the axis in one part.
  slice: u32,
  parts: u32,
}

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read_write> best: array<f32>;
@group(0) @binding(3) var<storage, read_write> place: array<u32>;
@group(0) @binding(4) var<storage, read> places: array<u32>;

fn better(v: f32, than: f32) -> bool {
  return !is_nan(than) & (is_nan(v) | select(v > than, v < than, LEAST));
}

@compute @workgroup_size(LANES)
fn first(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  for (var j = id.x; j < p.n; j += groups.x * LANES) {
    let run = j / p.inner;
    let part = run % p.parts;
    let base = run / p.parts * p.length * p.inner + j % p.inner;
    var found = part * p.slice;
    var value = x[base + found * p.inner];
    for (var k = found + 1u; k < min((part + 1u) * p.slice, p.length); k++) {
      let v = x[base + k * p.inner];
      let ahead = better(v, value);
      value = select(value, v, ahead);
      found = select(found, k, ahead);
    }
    best[j] = value;
    place[j] = found;
  }
}

@compute @workgroup_size(LANES)
fn again(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  for (var j = id.x; j < p.n; j += groups.x * LANES) {
    let run = j / p.inner;
    let part = run % p.parts;
    let base = run / p.parts * p.length * p.inner + j % p.inner;
    var found = base + part * p.slice * p.inner;
    var value = x[found];
    for (var k = part * p.slice + 1u; k < min((part + 1u) * p.slice, p.length); k++) {
      let here = base + k * p.inner;
      let v = x[here];
      let ahead = better(v, value);
      value = select(value, v, ahead);
      found = select(found, here, ahead);
    }
    best[j] = value;
    place[j] = places[found];
  }
}
