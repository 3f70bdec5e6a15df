// Structural dissimilarity of two pictures, 1 - SSIM in windows of 11 x 11 pixels (Wang, Bovik, Sheikh and Simoncelli
// 2004: Gaussian weights of sigma 1.5, K1 = 0.01, K2 = 0.03), and its gradient with respect to the first picture.
//
//   SSIM = (2 mx my + C1) (2 cov + C2) / ((mx^2 + my^2 + C1) (var_x + var_y + C2))
//
// mx = E[x], my = E[y], var_x = E[xx] - mx^2, var_y likewise, cov = E[xy] - mx my; E is the mean under the window's weights,
// of values brought to [0, 1] first: (v - low) * factor. The window is separable, so each mean is eleven taps along the
// rows, then eleven along the columns:
//   rows       pictures        -> means along the rows of x, y, xx, yy, xy
//   windows    those           -> 1 - SSIM of each window
//   slopes     those           -> what SSIM changes by with E[x], E[xx] and E[xy] of its window
//   columns    slopes          -> their sums over the windows that hold a pixel, along the columns
//   gradient   those, pictures -> the same along the rows, and dx
// The last two are the transposes of the first two.
//
// Layout: a, b, dx hold planes of height * width floats; a window is named by its upper left pixel, so there are
// height - 10 rows and width - 10 columns of them. `means` is five, `slope` and `sums` three such runs of planes, one for
// each quantity. Each invocation strides through n runs of RUN neighbouring results along its axis, which share the RUN + 10
// values under them. E[xx] - mx^2 cancels to about 1e-7, which C2 = 9e-4 keeps harmless.

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
}

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> a: array<f32>;
@group(0) @binding(2) var<storage, read> b: array<f32>;
@group(0) @binding(3) var<storage, read_write> means: array<f32>;

const C1 = 0.0001;
const C2 = 0.0009;

// exp(-(i - 5)^2 / (2 * 1.5^2)), divided by their sum.
const WEIGHT = array<f32, TAPS>(
  0.0010283801, 0.0075987581, 0.0360007721, 0.1093606895, 0.2130055377, 0.2660117249,
  0.2130055377, 0.1093606895, 0.0360007721, 0.0075987581, 0.0010283801,
);

fn unit(v: f32) -> f32 {
  return (v - p.low) * p.factor;
}

// RUN weighted sums of TAPS neighbours.
fn blur(v: array<f32, SPAN>) -> array<f32, RUN> {
  var out = array<f32, RUN>();
  // unroll
  for (var j = 0u; j < RUN; j++) {
    // unroll
    for (var k = 0u; k < TAPS; k++) {
      out[j] += WEIGHT[k] * v[j + k];
    }
  }
  return out;
}

fn product(u: array<f32, SPAN>, v: array<f32, SPAN>) -> array<f32, SPAN> {
  var out: array<f32, SPAN>;
  // unroll
  for (var k = 0u; k < SPAN; k++) {
    out[k] = u[k] * v[k];
  }
  return out;
}

@compute @workgroup_size(LANES)
fn rows(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let out_w = p.width - (TAPS - 1u);
  let runs = (out_w + RUN - 1u) / RUN;
  let size = p.planes * p.height * out_w;
  for (var i = id.x; i < p.n; i += groups.x * LANES) {
    let line = i / runs;
    let first = (i % runs) * RUN;
    var u: array<f32, SPAN>;
    var v: array<f32, SPAN>;
    // unroll
    for (var k = 0u; k < SPAN; k++) {
      let at = line * p.width + min(first + k, p.width - 1u);
      u[k] = unit(a[at]);
      v[k] = unit(b[at]);
    }
    var e = array(blur(u), blur(v), blur(product(u, u)), blur(product(v, v)), blur(product(u, v)));
    for (var m = 0u; m < 5u; m++) {
      for (var j = 0u; j < min(RUN, out_w - first); j++) {
        means[m * size + line * out_w + first + j] = e[m][j];
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

// The five means of RUN windows down a column; those past the last row are means of something else and not used.
fn window_means(at: vec3u) -> array<array<f32, RUN>, 5> {
  let out_w = p.width - (TAPS - 1u);
  let size = p.planes * p.height * out_w;
  var e: array<array<f32, RUN>, 5>;
  for (var m = 0u; m < 5u; m++) {
    let start = m * size + at.x * p.height * out_w + at.z;
    var v: array<f32, SPAN>;
    // unroll
    for (var k = 0u; k < SPAN; k++) {
      v[k] = row_means[start + min(at.y + k, p.height - 1u) * out_w];
    }
    e[m] = blur(v);
  }
  return e;
}

@compute @workgroup_size(LANES)
fn windows(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let out_w = p.width - (TAPS - 1u);
  let out_h = p.height - (TAPS - 1u);
  for (var i = id.x; i < p.n; i += groups.x * LANES) {
    let at = window_run(i);
    var e = window_means(at);
    for (var j = 0u; j < min(RUN, out_h - at.y); j++) {
      let mx = e[0][j];
      let my = e[1][j];
      let variances = e[2][j] - mx * mx + e[3][j] - my * my;
      let covariance = e[4][j] - mx * my;
      let above = (2.0 * mx * my + C1) * (2.0 * covariance + C2);
      let below = (mx * mx + my * my + C1) * (variances + C2);
      y[(at.x * out_h + at.y + j) * out_w + at.z] = 1.0 - above / below;
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
    var e = window_means(at);
    for (var j = 0u; j < min(RUN, out_h - at.y); j++) {
      let mx = e[0][j];
      let my = e[1][j];
      let a1 = 2.0 * mx * my + C1;
      let a2 = 2.0 * (e[4][j] - mx * my) + C2;
      let b1 = mx * mx + my * my + C1;
      let b2 = e[2][j] - mx * mx + e[3][j] - my * my + C2;
      let below = 1.0 / (b1 * b2);
      let ssim = a1 * a2 * below;
      let out = (at.x * out_h + at.y + j) * out_w + at.z;
      slope[out] = 2.0 * my * (a2 - a1) * below + 2.0 * mx * ssim * (1.0 / b2 - 1.0 / b1);
      slope[size + out] = -ssim / b2;
      slope[2u * size + out] = 2.0 * a1 * below;
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
    var v: array<f32, SPAN>;
    // unroll
    for (var k = 0u; k < SPAN; k++) {
      // Window row first + k - 10.
      let row = i32(first + k) - i32(TAPS - 1u);
      let inside = (row >= 0) & (row < i32(in_h));
      v[k] = select(0.0, window_slope[(plane * in_h + u32(select(0, row, inside))) * in_w + col], inside);
    }
    var out = blur(v);
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
    var out: array<array<f32, RUN>, 3>;
    for (var m = 0u; m < 3u; m++) {
      var v: array<f32, SPAN>;
      // unroll
      for (var k = 0u; k < SPAN; k++) {
        let col = i32(first + k) - i32(TAPS - 1u);
        let inside = (col >= 0) & (col < i32(in_w));
        v[k] = select(0.0, column_sums[m * size + line * in_w + u32(select(0, col, inside))], inside);
      }
      out[m] = blur(v);
    }
    for (var j = 0u; j < min(RUN, p.width - first); j++) {
      let at = line * p.width + first + j;
      let change = out[0][j] + 2.0 * unit(a[at]) * out[1][j] + unit(b[at]) * out[2][j];
      dx[at] = p.share * p.factor * dy[0] * change;
    }
  }
}
