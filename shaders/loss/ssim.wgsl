// Structural dissimilarity of two pictures, 1 - SSIM in windows of 11 x 11 pixels (Wang, Bovik, Sheikh and Simoncelli
// 2004: Gaussian weights of sigma 1.5, K1 = 0.01, K2 = 0.03), and its gradient with respect to the first picture.
//
//   SSIM = (2 mx my + C1) (2 cov + C2) / ((mx^2 + my^2 + C1) (var_x + var_y + C2))
//
// mx = E[x], my = E[y], var_x = E[xx] - mx^2, var_y likewise, cov = E[xy] - mx my; E is the mean under the window's
// weights, of values brought to [0, 1] first: (v - low) * factor. The window is separable, so each mean is eleven taps
// along the rows, then eleven along the columns:
//   rows       pictures        -> means along the rows of x, y, xx, yy, xy
//   windows    those           -> 1 - SSIM of each window
//   slopes     those           -> derivatives of SSIM with respect to E[x], E[xx] and E[xy] of its window
//   columns    slopes          -> their sums over the windows that hold a pixel, along the columns
//   gradient   those, pictures -> the same along the rows, and dx
// The last two are the transposes of the first two.
//
// Layout: a, b, dx hold planes of height * width floats. A window is identified by its upper left pixel, so there are
// height - 10 rows and width - 10 columns of windows. `means` is five, `slope` and `sums` three such runs of planes,
// one per quantity. Each invocation strides through n runs of 4 neighbouring results along its axis (RUN), the elements
// of one vector: value k of the 14 under them counts with weight k in the first, k - 1 in the second, and so on.
// `weights_of` steps these weights from one k to the next. The number of values comes from p.span: with a constant bound
// drivers unroll the loop, and lavapipe compiled these five kernels for eight seconds, while running them takes less
// than a millisecond.
// E[xx] - mx^2 cancels to about 1e-7, which C2 = 9e-4 makes harmless.

struct Params {
  // Runs of results.
  n: u32,
  planes: u32,
  height: u32,
  width: u32,
  low: f32,
  factor: f32,
  // Gradient: -1 / windows.
  share: f32,
  // Values under a run: RUN + TAPS - 1.
  span: u32,
}

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> a: array<f32>;
@group(0) @binding(2) var<storage, read> b: array<f32>;
@group(0) @binding(3) var<storage, read_write> means: array<f32>;

const C1 = 0.0001;
const C2 = 0.0009;

// exp(-(i - 5)^2 / (2 * 1.5^2)), divided by their sum; 0 after the last.
const WEIGHT = array<f32, SPAN>(
  0.0010283801, 0.0075987581, 0.0360007721, 0.1093606895, 0.2130055377, 0.2660117249,
  0.2130055377, 0.1093606895, 0.0360007721, 0.0075987581, 0.0010283801, 0.0, 0.0, 0.0,
);

fn unit(v: f32) -> f32 {
  return (v - p.low) * p.factor;
}

// The weights of value k of a run in each of its results, from those of value k - 1.
fn weights_of(k: u32, before: vec4f) -> vec4f {
  return vec4f(WEIGHT[k], before.xyz);
}

@compute @workgroup_size(LANES)
fn rows(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let out_w = p.width - (TAPS - 1u);
  let runs = (out_w + RUN - 1u) / RUN;
  let size = p.planes * p.height * out_w;
  for (var i = id.x; i < p.n; i += groups.x * LANES) {
    let line = i / runs;
    let first = (i % runs) * RUN;
    var w = vec4f();
    var e = array<vec4f, 5>();
    for (var k = 0u; k < p.span; k++) {
      let at = line * p.width + min(first + k, p.width - 1u);
      let u = unit(a[at]);
      let v = unit(b[at]);
      w = weights_of(k, w);
      e[0] += w * u;
      e[1] += w * v;
      e[2] += w * (u * u);
      e[3] += w * (v * v);
      e[4] += w * (u * v);
    }
    let out = line * out_w + first;
    for (var j = 0u; j < min(RUN, out_w - first); j++) {
      // unroll
      for (var m = 0u; m < MEANS; m++) {
        means[m * size + out + j] = e[m][j];
      }
    }
  }
}

@group(0) @binding(4) var<storage, read> row_means: array<f32>;
@group(0) @binding(5) var<storage, read_write> y: array<f32>;
@group(0) @binding(6) var<storage, read_write> slope: array<f32>;

// Run i of the windows: where it begins (plane, row, column), down a column.
fn window_run(i: u32) -> vec3u {
  let out_w = p.width - (TAPS - 1u);
  let runs = (p.height - (TAPS - 1u) + RUN - 1u) / RUN;
  return vec3u(i / (out_w * runs), ((i / out_w) % runs) * RUN, i % out_w);
}

// The five means of RUN windows down a column. Those past the last row are meaningless and not used.
fn window_means(at: vec3u) -> array<vec4f, 5> {
  let out_w = p.width - (TAPS - 1u);
  let size = p.planes * p.height * out_w;
  let start = at.x * p.height * out_w + at.z;
  var w = vec4f();
  var e = array<vec4f, 5>();
  for (var k = 0u; k < p.span; k++) {
    let place = start + min(at.y + k, p.height - 1u) * out_w;
    w = weights_of(k, w);
    // unroll
    for (var m = 0u; m < MEANS; m++) {
      e[m] += w * row_means[m * size + place];
    }
  }
  return e;
}

@compute @workgroup_size(LANES)
fn windows(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let out_w = p.width - (TAPS - 1u);
  let out_h = p.height - (TAPS - 1u);
  for (var i = id.x; i < p.n; i += groups.x * LANES) {
    let at = window_run(i);
    let e = window_means(at);
    let mx = e[0];
    let my = e[1];
    let variances = e[2] - mx * mx + e[3] - my * my;
    let covariance = e[4] - mx * my;
    let above = (2.0 * mx * my + C1) * (2.0 * covariance + C2);
    let below = (mx * mx + my * my + C1) * (variances + C2);
    var out = 1.0 - above / below;
    for (var j = 0u; j < min(RUN, out_h - at.y); j++) {
      y[(at.x * out_h + at.y + j) * out_w + at.z] = out[j];
    }
  }
}

@compute @workgroup_size(LANES)
fn slopes(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let out_w = p.width - (TAPS - 1u);
  let out_h = p.height - (TAPS - 1u);
  let size = p.planes * out_h * out_w;
  for (var i = id.x; i < p.n; i += groups.x * LANES) {
    let at = window_run(i);
    let e = window_means(at);
    let mx = e[0];
    let my = e[1];
    let a1 = 2.0 * mx * my + C1;
    let a2 = 2.0 * (e[4] - mx * my) + C2;
    let b1 = mx * mx + my * my + C1;
    let b2 = e[2] - mx * mx + e[3] - my * my + C2;
    let below = 1.0 / (b1 * b2);
    let ssim = a1 * a2 * below;
    var by_x = 2.0 * my * (a2 - a1) * below + 2.0 * mx * ssim * (1.0 / b2 - 1.0 / b1);
    var by_xx = -ssim / b2;
    var by_xy = 2.0 * a1 * below;
    for (var j = 0u; j < min(RUN, out_h - at.y); j++) {
      let out = (at.x * out_h + at.y + j) * out_w + at.z;
      slope[out] = by_x[j];
      slope[size + out] = by_xx[j];
      slope[2u * size + out] = by_xy[j];
    }
  }
}

@group(0) @binding(7) var<storage, read> window_slope: array<f32>;
@group(0) @binding(8) var<storage, read_write> sums: array<f32>;

@compute @workgroup_size(LANES)
fn columns(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let in_w = p.width - (TAPS - 1u);
  let in_h = p.height - (TAPS - 1u);
  let runs = (p.height + RUN - 1u) / RUN;
  for (var i = id.x; i < p.n; i += groups.x * LANES) {
    let plane = i / (in_w * runs);
    let first = ((i / in_w) % runs) * RUN;
    let col = i % in_w;
    var w = vec4f();
    var out = vec4f();
    for (var k = 0u; k < p.span; k++) {
      // Window row first + k - 10.
      let row = i32(first + k) - i32(TAPS - 1u);
      let inside = (row >= 0) & (row < i32(in_h));
      w = weights_of(k, w);
      out += w * select(0.0, window_slope[(plane * in_h + u32(select(0, row, inside))) * in_w + col], inside);
    }
    for (var j = 0u; j < min(RUN, p.height - first); j++) {
      sums[(plane * p.height + first + j) * in_w + col] = out[j];
    }
  }
}

@group(0) @binding(9) var<storage, read> column_sums: array<f32>;
@group(0) @binding(10) var<storage, read> dy: array<f32>;
@group(0) @binding(11) var<storage, read_write> dx: array<f32>;

@compute @workgroup_size(LANES)
fn gradient(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let in_w = p.width - (TAPS - 1u);
  let runs = (p.width + RUN - 1u) / RUN;
  let size = p.planes * p.height * in_w;
  for (var i = id.x; i < p.n; i += groups.x * LANES) {
    let line = i / runs;
    let first = (i % runs) * RUN;
    var w = vec4f();
    var out = array<vec4f, 3>();
    for (var k = 0u; k < p.span; k++) {
      let col = i32(first + k) - i32(TAPS - 1u);
      let inside = (col >= 0) & (col < i32(in_w));
      let place = line * in_w + u32(select(0, col, inside));
      w = weights_of(k, w);
      // unroll
      for (var m = 0u; m < SLOPES; m++) {
        out[m] += w * select(0.0, column_sums[m * size + place], inside);
      }
    }
    for (var j = 0u; j < min(RUN, p.width - first); j++) {
      let at = line * p.width + first + j;
      let change = out[0][j] + 2.0 * unit(a[at]) * out[1][j] + unit(b[at]) * out[2][j];
      dx[at] = p.share * p.factor * dy[0] * change;
    }
  }
}
