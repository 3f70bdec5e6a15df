// Selects rows of a matrix by index: y[i, d] = weight[index[i], d]. An index beyond the last row gives NaN, to be
// noticed. The gradient adds up the rows of dy that came from the same row of the matrix, in order and without atomics,
// so that every run has the same bits: `link` finds for each position the next one with the same index, and whether it
// is the first; `scatter` follows these links.
//
// Layout: weight and dw (rows, width), index (count), y and dy (count, width). `forward` and `scatter` use one
// invocation per value of y, neighbours side by side; `link` one per position, which compares all others. dw starts at
// 0.

struct Params {
  // Values of y, or positions in `link`.
  n: u32,
  count: u32,
  rows: u32,
  width: u32,
}

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> index: array<u32>;
@group(0) @binding(2) var<storage, read> weight: array<f32>;
@group(0) @binding(3) var<storage, read_write> y: array<f32>;

@compute @workgroup_size(LANES)
fn forward(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  var nan = 0x7fc00000u;
  for (var j = id.x; j < p.n; j += groups.x * LANES) {
    let row = index[j / p.width];
    let inside = row < p.rows;
    let value = weight[select(0u, row * p.width + j % p.width, inside)];
    y[j] = select(bitcast<f32>(nan), value, inside);
  }
}

// No further position.
const NONE = 0xffffffffu;

// For each position: the next one with the same index, and 1 if it is the first, 0 if not.
@group(0) @binding(4) var<storage, read_write> links: array<vec2u>;

@compute @workgroup_size(LANES)
fn link(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  for (var i = id.x; i < p.n; i += groups.x * LANES) {
    let own = index[i];
    var first = own < p.rows;
    for (var k = 0u; k < i; k++) {
      if (index[k] == own) {
        first = false;
        break;
      }
    }
    var following = i + 1u;
    while (following < p.count && index[following] != own) {
      following++;
    }
    links[i] = vec2u(select(NONE, following, following < p.count), select(0u, 1u, first));
  }
}

@group(0) @binding(5) var<storage, read> chain: array<vec2u>;
@group(0) @binding(6) var<storage, read> dy: array<f32>;
@group(0) @binding(7) var<storage, read_write> dw: array<f32>;

@compute @workgroup_size(LANES)
fn scatter(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  for (var j = id.x; j < p.n; j += groups.x * LANES) {
    let d = j % p.width;
    var i = j / p.width;
    if (chain[i].y == 0u) {
      continue;
    }
    let to = index[i] * p.width + d;
    var sum = 0.0;
    while (i != NONE) {
      sum += dy[i * p.width + d];
      i = chain[i].x;
    }
    dw[to] = sum;
  }
}
