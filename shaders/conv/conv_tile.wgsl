// 2-D convolution of stride 1 for drivers that run on a CPU: forward, and gradient of the input (the same sum with the
// weight's channels exchanged and its taps reversed).
//
//   y[n, o, i, j] = bias[o] + sum over c, u, v of w[o, c, u, v] * x[n, c, i - pad + u, j - pad + v]
//
// Layout: x (N, C, H, W), w with strides given by the caller, y (N, O, OH, OW). Parameters and bindings are in
// patch_params.wgsl, which is appended.
//
// Tiling: a workgroup is one subgroup. Each lane owns a patch of TILE_H x TILE_W output positions (lanes number the
// patches of the whole batch) in M output channels, so it holds TILE_H * TILE_W * M sums. For each input channel a lane
// loads the window under its patch once (WIN_H * WIN_W values), and the subgroup loads M weights per tap, one per lane,
// and broadcasts them to all lanes. On such drivers a load of 16 lanes costs as much as about forty multiply-adds,
// because it is a loop over the lanes with a bounds check in each. So what matters is multiply-adds per load,
// K * K * TILE_H * TILE_W * M / (WIN_H * WIN_W + K * K * M / LANES): 55 for a patch of 4 x 2 and 32 channels.
// All taps of a sum are added in one expression, so that it goes through memory once per channel and not once per tap.
// With hundreds of sums per lane most of them live in memory, and this order is twice as fast as going tap by tap.
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
  let col = (tile % p.tiles_x) * TILE_W;
  let row = ((tile % p.tiles) / p.tiles_x) * TILE_H;
  let out = group.y * M;
  let left = i32(col) - p.pad_w;
  let top = i32(row) - p.pad_h;

  var sums: array<f32, M * TILE_H * TILE_W>;
  var plane = i32((n * p.in_all + p.in_first) * p.in_h * p.in_w);
  var weight = i32(out + lane) * p.w_out + p.w_first;
  for (var c = 0u; c < p.in_c; c++) {
    var window: array<f32, WIN_H * WIN_W>;
    // unroll
    for (var i = 0u; i < WIN_H; i++) {
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
    // Lane l has the weights of output channels l, l + LANES, …; those past the last channel are never stored.
    var own: array<f32, TAPS * SHARES>;
    // unroll
    for (var s = 0u; s < SHARES; s++) {
      // unroll
      for (var u = 0u; u < TAPS; u++) {
        own[s * TAPS + u] = w[weight + i32(s * LANES) * p.w_out + i32(u) * p.w_tap];
      }
    }
    // unroll
    for (var o = 0u; o < M; o++) {
      var taps: array<f32, TAPS>;
      // unroll
      for (var u = 0u; u < TAPS; u++) {
        taps[u] = subgroupBroadcast(own[(o / LANES) * TAPS + u], o % LANES);
      }
      // unroll
      for (var i = 0u; i < TILE_H; i++) {
        // unroll
        for (var j = 0u; j < TILE_W; j++) {
          var part = 0.0;
          // unroll
          for (var u = 0u; u < K_H; u++) {
            // unroll
            for (var v = 0u; v < K_W; v++) {
              part += taps[u * K_W + v] * window[(i + u) * WIN_W + j + v];
            }
          }
          sums[(o * TILE_H + i) * TILE_W + j] += part;
        }
      }
    }
    plane += i32(p.in_h * p.in_w);
    weight += p.w_in;
  }

  // Keep one load and one store in the text: they run rarely, and each further one costs the driver's compiler time.
  let channels = select(0u, min(M, p.out_c - out), tile < p.all_tiles);
  let rows = min(TILE_H, p.out_h - min(row, p.out_h));
  let cols = min(TILE_W, p.out_w - min(col, p.out_w));
  for (var o = 0u; o < channels; o++) {
    var start_value = 0.0;
    if (p.has_bias != 0u) {
      start_value = bias[p.first + out + o];
    }
    for (var i = 0u; i < rows; i++) {
      let at = ((n * p.channels + p.first + out + o) * p.out_h + row + i) * p.out_w + col;
      for (var j = 0u; j < cols; j++) {
        var value = start_value + sums[(o * TILE_H + i) * TILE_W + j];
        if (p.accumulate != 0u) {
          value += y[at + j];
        }
        y[at + j] = leaky_relu(value, p.slope);
      }
    }
  }
}
