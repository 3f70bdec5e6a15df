// 3 x 3 convolution of stride 1 by Winograd's minimal filtering, for drivers that run on a CPU: forward, and gradient
// of the input (the same sum with the weight's channels exchanged and its taps reversed).
//
//   y[n, o, i, j] = bias[o] + sum over c, u, v of w[o, c, u, v] * x[n, c, i - pad + u, j - pad + v]
//
// A tile of R x R outputs needs a window of T x T inputs, T = R + 2. Window and filter are transformed, multiplied
// point by point, summed over c, and transformed back: fewer multiplications than the 9 * R * R of the definition. Two
// texts are appended: winograd_4.wgsl with the one-dimensional transforms (R = 4), and winograd_planes.wgsl (Winograd
// in both dimensions, T * T multiplications) or winograd_rows.wgsl (along the rows only, 3 * R * T multiplications).
// The latter define how many rows of points a filter (OWN_ROWS) and of sums a tile (SUM_ROWS) has.
//
// Layout: x (N, C, H, W), w with strides given by the caller, y (N, O, OH, OW). Parameters and bindings are in
// ../patch_params.wgsl, which is appended.
//
// Tiling: as conv_tile.wgsl, which explains why. A workgroup is one subgroup; each lane owns TILES tiles side by side
// in M output channels. For each input channel a lane loads the window under its tiles and transforms it in registers.
// The lanes also load the nine weights of M output channels, one channel per lane, transform them, and broadcast the
// points to all lanes. The textbook form (transform, a matrix product for each point, transform back) writes
// transformed values to memory and reads them again. This does not, because on such drivers a load or store of 16 lanes
// costs as much as dozens of multiply-adds.
//
// `&` and not `&&` between conditions: SwiftShader compiles the branches of the latter in exponential time.

enable subgroups;

@compute @workgroup_size(LANES)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let tile = (group.x + group.z * groups.x) * LANES + lane;
  let n = tile / p.tiles;
  let col = (tile % p.tiles_x) * R * TILES;
  let row = ((tile % p.tiles) / p.tiles_x) * R;
  let out = group.y * M;
  let left = i32(col) - p.pad_w;
  let top = i32(row) - p.pad_h;

  var sums: array<f32, M * TILES * SUM_ROWS * T>;
  var plane = i32((n * p.in_all + p.in_first) * p.in_h * p.in_w);
  var weight = i32(out + lane) * p.w_out + p.w_first;
  for (var c = 0u; c < p.in_c; c++) {
    var window: array<f32, T * WIN_W>;
    // unroll
    for (var i = 0u; i < T; i++) {
      let h = top + i32(i);
      let row_inside = (h >= 0) & (h < i32(p.in_h));
      let start = plane + h * i32(p.in_w);
      // unroll
      for (var j = 0u; j < WIN_W; j++) {
        let q = left + i32(j);
        let inside = row_inside & (q >= 0) & (q < i32(p.in_w));
        window[i * WIN_W + j] = select(0.0, x[select(0, start + q, inside)], inside);
      }
    }
    var points: array<f32, TILES * T * T>;
    // unroll
    for (var b = 0u; b < TILES; b++) {
      var d: array<f32, T * T>;
      // unroll
      for (var i = 0u; i < T; i++) {
        // unroll
        for (var j = 0u; j < T; j++) {
          d[i * T + j] = window[i * WIN_W + b * R + j];
        }
      }
      let transformed = transform_window(d);
      // unroll
      for (var k = 0u; k < POINTS; k++) {
        points[b * POINTS + k] = transformed[k];
      }
    }
    // Lane l has the filters of output channels l, l + LANES, …; those past the last channel are never stored.
    var own: array<f32, SHARES * OWN>;
    // unroll
    for (var s = 0u; s < SHARES; s++) {
      var g: array<f32, TAPS>;
      // unroll
      for (var u = 0u; u < TAPS; u++) {
        g[u] = w[weight + i32(s * LANES) * p.w_out + i32(u) * p.w_tap];
      }
      let transformed = transform_filter(g);
      // unroll
      for (var k = 0u; k < OWN; k++) {
        own[s * OWN + k] = transformed[k];
      }
    }
    // unroll
    for (var o = 0u; o < M; o++) {
      // unroll
      for (var j = 0u; j < T; j++) {
        var filter_column: array<f32, OWN_ROWS>;
        // unroll
        for (var i = 0u; i < OWN_ROWS; i++) {
          filter_column[i] = subgroupBroadcast(own[(o / LANES) * OWN + i * T + j], o % LANES);
        }
        // unroll
        for (var b = 0u; b < TILES; b++) {
          // unroll
          for (var i = 0u; i < SUM_ROWS; i++) {
            var part = 0.0;
            // unroll
            for (var u = 0u; u < PRODUCTS; u++) {
              part += filter_column[i * OWN_STEP + u] * points[(b * T + i + u) * T + j];
            }
            sums[((o * TILES + b) * SUM_ROWS + i) * T + j] += part;
          }
        }
      }
    }
    plane += i32(p.in_h * p.in_w);
    weight += p.w_in;
  }

  // Loop over the channels, so that the text has the inverse transform, a load and a store once: they run rarely, and
  // each further one costs the driver's compiler time.
  let channels = select(0u, min(M, p.out_c - out), tile < p.all_tiles);
  let rows = min(R, p.out_h - min(row, p.out_h));
  let cols = min(R * TILES, p.out_w - min(col, p.out_w));
  for (var o = 0u; o < channels; o++) {
    var result: array<f32, R * R * TILES>;
    // unroll
    for (var b = 0u; b < TILES; b++) {
      var m: array<f32, SUM_ROWS * T>;
      // unroll
      for (var k = 0u; k < SUMS; k++) {
        m[k] = sums[(o * TILES + b) * SUMS + k];
      }
      let values = transform_outputs(m);
      // unroll
      for (var i = 0u; i < R; i++) {
        // unroll
        for (var j = 0u; j < R; j++) {
          result[(i * TILES + b) * R + j] = values[i * R + j];
        }
      }
    }
    var start_value = 0.0;
    if (p.has_bias != 0u) {
      start_value = bias[p.first + out + o];
    }
    for (var i = 0u; i < rows; i++) {
      let at = ((n * p.channels + p.first + out + o) * p.out_h + row + i) * p.out_w + col;
      for (var j = 0u; j < cols; j++) {
        var value = start_value + result[i * TILES * R + j];
        if (p.accumulate != 0u) {
          value += y[at + j];
        }
        y[at + j] = leaky_relu(value, p.slope);
      }
    }
  }
}
