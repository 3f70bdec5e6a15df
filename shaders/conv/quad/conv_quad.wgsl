// 2-D convolution of stride 1 for CPU drivers with subgroups of four lanes, such as SwiftShader: forward, and gradient
// of the input. The same sums as ../conv_tile.wgsl in the same order, so with the same bits, but written for a compiler
// that optimises little.
//
//   y[n, o, i, j] = bias[o] + sum over c, u, v of w[o, c, u, v] * x[n, c, i - pad + u, j - pad + v]
//
// Layout: x (N, C, H, W), w with strides given by the caller, y (N, O, OH, OW). Parameters and bindings are in
// ../patch_params.wgsl, which is appended, as is quad_turn.wgsl.
//
// Tiling: a workgroup is one subgroup. Each lane owns a patch of TILE_H x TILE_W output positions in M output channels.
// For each input channel it loads the window under its patch, and lane l the weights of output channels l, l + 4, …. No
// weight is broadcast: lanes exchange them. With the weights of lane l ^ r, one instruction away, lane l sums output
// channel l ^ r. After the turns r = 0 … 3 it has four channels.
//
// The rest follows from SwiftShader's machine code:
// - A load of four lanes takes 140 instructions, a multiply-add 5, a broadcast 10, a turn 1. Loads take half of the
//   time.
// - An array with only constant indices becomes values. There are sixteen registers, and every use of a value without
//   one loads and stores it. So the window and the weights are in arrays that one store with a variable index keeps in
//   memory. All loads from buffers come first, because each splits the text into blocks, and memory is addressed
//   directly only within a block. So the registers are left for the weights of one turn, each of which is used in every
//   sum.
// - The loop is about 60 KiB of code. In a loop twice as long a multiply-add takes twice the time, because the
//   first-level instruction cache has 32 to 64 KiB. That limits M and the patch, and is why Winograd's transforms do
//   not pay here.

enable subgroups;

@compute @workgroup_size(4)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let tile = (group.x + group.z * groups.x) * 4u + lane;
  let n = tile / p.tiles;
  let col = (tile % p.tiles_x) * TILE_W;
  let row = ((tile % p.tiles) / p.tiles_x) * TILE_H;
  let out = group.y * M;
  let left = i32(col) - p.pad_w;
  let top = i32(row) - p.pad_h;

  // For each value of the window: its offset in a plane, and a mask with all bits set if it is in the picture.
  var places: array<i32, WINDOW>;
  var inside: array<u32, WINDOW>;
  // unroll
  for (var i = 0u; i < WIN_H; i++) {
    let h = top + i32(i);
    let row_inside = (h >= 0) & (h < i32(p.in_h));
    // unroll
    for (var j = 0u; j < WIN_W; j++) {
      let q = left + i32(j);
      let here = row_inside & (q >= 0) & (q < i32(p.in_w));
      places[i * WIN_W + j] = select(0, h * i32(p.in_w) + q, here);
      inside[i * WIN_W + j] = select(0u, 0xffffffffu, here);
    }
  }

  var sums: array<f32, SUMS>;
  // In memory, because of the variable index.
  var cells: array<f32, WINDOW>;
  cells[lane] = 0.0;
  var held: array<f32, OWN>;
  held[lane] = 0.0;
  var plane = select(0, i32((n * p.in_all + p.in_first) * p.in_h * p.in_w), tile < p.all_tiles);
  var weight = i32(out + lane) * p.w_out + p.w_first;
  for (var c = 0u; c < p.in_c; c++) {
    var window: array<f32, WINDOW>;
    // unroll
    for (var k = 0u; k < WINDOW; k++) {
      window[k] = bitcast<f32>(bitcast<u32>(x[plane + places[k]]) & inside[k]);
    }
    // Channels past the last are never stored.
    var own: array<f32, OWN>;
    // unroll
    for (var s = 0u; s < SHARES; s++) {
      // unroll
      for (var u = 0u; u < TAPS; u++) {
        own[s * TAPS + u] = w[weight + i32(s * 4u) * p.w_out + i32(u) * p.w_tap];
      }
    }
    // unroll
    for (var k = 0u; k < WINDOW; k++) {
      cells[k] = window[k];
    }
    // unroll
    for (var k = 0u; k < OWN; k++) {
      held[k] = own[k];
    }
    // unroll
    for (var s = 0u; s < SHARES; s++) {
      // unroll
      for (var r = 0u; r < TURNS; r++) {
        var taps: array<f32, TAPS>;
        // unroll
        for (var u = 0u; u < TAPS; u++) {
          taps[u] = turned(held[s * TAPS + u], r);
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
                part += cells[(i + u) * WIN_W + j + v] * taps[u * K_W + v];
              }
            }
            sums[((s * TURNS + r) * TILE_H + i) * TILE_W + j] += part;
          }
        }
      }
    }
    plane += i32(p.in_h * p.in_w);
    weight += p.w_in;
  }

  // Turn r of share s is channel s * 4 + (lane ^ r), which is (s * 4 + r) ^ lane. Conditions do not become branches on
  // this driver, so rare cases have a loop of their own.
  let rows = select(0u, min(TILE_H, p.out_h - min(row, p.out_h)), tile < p.all_tiles);
  let cols = min(TILE_W, p.out_w - min(col, p.out_w));
  for (var k = 0u; k < SUMS * p.accumulate; k++) {
    let o = out + ((k / (TILE_H * TILE_W)) ^ lane);
    let i = (k / TILE_W) % TILE_H;
    let j = k % TILE_W;
    if ((o < p.out_c) & (i < rows) & (j < cols)) {
      sums[k] += y[((n * p.channels + p.first + o) * p.out_h + row + i) * p.out_w + col + j];
    }
  }
  for (var t = 0u; t < M; t++) {
    let o = out + (t ^ lane);
    let here = o < p.out_c;
    let start_value = select(0.0, bias[select(0u, p.first + o, here)], p.has_bias != 0u);
    let start = ((n * p.channels + p.first + o) * p.out_h + row) * p.out_w + col;
    // unroll
    for (var i = 0u; i < TILE_H; i++) {
      // unroll
      for (var j = 0u; j < TILE_W; j++) {
        let value = start_value + sums[(t * TILE_H + i) * TILE_W + j];
        if (here & (i < rows) & (j < cols)) {
          y[start + i * p.out_w + j] = leaky_relu(value, p.slope);
        }
      }
    }
  }
}
