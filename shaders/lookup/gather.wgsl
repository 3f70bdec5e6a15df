// Selects elements along an axis by index: y[o, j, i] = x[o, index[o, j, i], i]. An index beyond the axis gives NaN, to
// be noticed. In the gradient each element of x searches for the positions that took it, so that no two invocations
// write to one element: the time grows with the number of positions along the axis.
//
// Layout: x (outer, length, inner), index and y (outer, picks, inner). One invocation per value of the result,
// neighbours in `inner` side by side.

struct Params {
  n: u32,
  length: u32,
  picks: u32,
  inner: u32,
}

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> index: array<u32>;
@group(0) @binding(2) var<storage, read> x: array<f32>;
@group(0) @binding(3) var<storage, read_write> y: array<f32>;

@compute @workgroup_size(LANES)
fn forward(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  var nan = 0x7fc00000u;
  for (var j = id.x; j < p.n; j += groups.x * LANES) {
    let k = index[j];
    let outer = j / p.inner / p.picks;
    let inside = k < p.length;
    let value = x[select(0u, (outer * p.length + k) * p.inner + j % p.inner, inside)];
    y[j] = select(bitcast<f32>(nan), value, inside);
  }
}

@group(0) @binding(4) var<storage, read> dy: array<f32>;
@group(0) @binding(5) var<storage, read_write> dx: array<f32>;

@compute @workgroup_size(LANES)
fn backward(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  for (var j = id.x; j < p.n; j += groups.x * LANES) {
    let row = j / p.inner;
    let own = row % p.length;
    let base = row / p.length * p.picks * p.inner + j % p.inner;
    var sum = 0.0;
    for (var k = 0u; k < p.picks; k++) {
      let here = base + k * p.inner;
      if (index[here] == own) {
        sum += dy[here];
      }
    }
    dx[j] = sum;
  }
}
