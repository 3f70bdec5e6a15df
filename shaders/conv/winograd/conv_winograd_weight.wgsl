// Gradient of the weight of a 3 x 3 convolution of stride 1 by Winograd's minimal filtering along the rows, for drivers
// that run on a CPU: to conv_tile_weight.wgsl what conv_winograd.wgsl is to conv_tile.wgsl.
//
//   dw[b, l, u, v] = sum over n, i, j of y[n, b, i, j] * x[n, l, i - pad + u, j - pad + v]
//
// With x the convolution's input and y the gradient of its output, b counts output and l input channels. The host
// exchanges the two (and reverses the taps) if there are more output than input channels, because each lane has one l.
// In a tile of R x R positions this is a convolution again, of a window of T x T, T = R + 2, with a filter of R x R and
// 3 x 3 results: F(3, R) along the rows, with the transposed transforms of F(R, 3); R rows of it give one sum. The
// transforms are in winograd_rows.wgsl and winograd_4.wgsl, which the loader appends.
//
// Layout: x (N, L, H, W), y (N, B, OH, OW), parts (SPLITS, …) where each split is one whole gradient with the strides
// part_b, part_l and part_tap; reduce_split_k.wgsl adds up the splits in a fixed order. Parameters and bindings are in
// ../patch_weight_params.wgsl, which is appended.
//
// Tiling: a workgroup is one subgroup. Lane = channel l; together the lanes hold the sums of LANES channels for M
// channels b. The subgroup walks over tiles: a lane loads and transforms the window under the tile from its own
// channel, and the transformed tiles of M channels of y, one channel per lane, are broadcast to all lanes. The sums are
// transformed back once, at the end.

enable subgroups;

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let l = group.x * LANES + lane;
  let own_l = min(l, p.l_c - 1u);
  let b = group.y * M;

  var sums: array<f32, M * K * T>;
  let end = min(group.z * p.share + p.share, p.all_tiles);
  for (var tile = group.z * p.share; tile < end; tile++) {
    let n = tile / p.tiles;
    let in_picture = tile % p.tiles;
    let row = (in_picture / p.tiles_x) * R;
    let col = (in_picture % p.tiles_x) * R;
    let plane = i32((n * p.l_all + p.l_first + own_l) * p.in_h * p.in_w);
    var window: array<f32, T * T>;
    // unroll
    for (var i = 0u; i < T; i++) {
      let h = i32(row + i) - p.pad_h;
      let row_inside = (h >= 0) & (h < i32(p.in_h));
      let start = plane + h * i32(p.in_w);
      // unroll
      for (var j = 0u; j < T; j++) {
        let q = i32(col + j) - p.pad_w;
        let inside = row_inside & (q >= 0) & (q < i32(p.in_w));
        window[i * T + j] = select(0.0, x[select(0, start + q, inside)], inside);
      }
    }
    let points = transform_window(window);
    var own: array<f32, SHARES * OWN>;
    // unroll
    for (var s = 0u; s < SHARES; s++) {
      let channel = min(b + s * LANES + lane, p.b_c - 1u);
      let first = (n * p.b_all + p.b_first + channel) * p.out_h * p.out_w;
      var values: array<f32, R * R>;
      // unroll
      for (var i = 0u; i < R; i++) {
        // unroll
        for (var j = 0u; j < R; j++) {
          let inside = (row + i < p.out_h) & (col + j < p.out_w);
          let at = select(0u, first + (row + i) * p.out_w + col + j, inside);
          values[i * R + j] = select(0.0, y[at], inside);
        }
      }
      let transformed = transform_gradient(values);
      // unroll
      for (var k = 0u; k < OWN; k++) {
        own[s * OWN + k] = transformed[k];
      }
    }
    // unroll
    for (var o = 0u; o < M; o++) {
      // unroll
      for (var j = 0u; j < T; j++) {
        var column: array<f32, R>;
        // unroll
        for (var i = 0u; i < R; i++) {
          column[i] = subgroupBroadcast(own[(o / LANES) * OWN + i * T + j], o % LANES);
        }
        // unroll
        for (var u = 0u; u < K; u++) {
          var part = 0.0;
          // unroll
          for (var i = 0u; i < R; i++) {
            part += column[i] * points[(u + i) * T + j];
          }
          sums[(o * K + u) * T + j] += part;
        }
      }
    }
  }

  let channels = select(0u, min(M, p.b_c - b), l < p.l_c);
  for (var o = 0u; o < channels; o++) {
    var m: array<f32, K * T>;
    // unroll
    for (var k = 0u; k < SUMS; k++) {
      m[k] = sums[o * SUMS + k];
    }
    var taps = transform_taps(m);
    let at = i32(group.z * p.part_size + (b + o) * p.part_b + l * p.part_l) + p.part_first;
    for (var u = 0u; u < TAPS; u++) {
      parts[at + i32(u) * p.part_tap] = taps[u];
    }
  }
}
