// 2-D convolution of stride 1 for CPU drivers whose subgroups are four lanes wide, as SwiftShader's are: forward, and gradient
// of the input. The same sums as ../conv_tile.wgsl, in the same order and so with the same bits, written down for a compiler
// that optimises little.
//
//   y[n, o, i, j] = bias[o] + sum over c, u, v of w[o, c, u, v] * x[n, c, i - pad + u, j - pad + v]
//
// Layout: x (N, C, H, W), w with strides of the caller's choice, y (N, O, OH, OW). Parameters and bindings stand in
// ../patch_params.wgsl, which is appended, as quad_turn.wgsl is.
//
// Tiling: a workgroup is one subgroup. Each lane owns a patch of TILE_H x TILE_W output positions in M output channels. For
// each input channel it loads the window under its patch, and lane l the weights of output channels l, l + 4, …. No weight is
// broadcast: they are turned. With the weights of lane l ^ r, which is one instruction away, lane l sums up output channel
// l ^ r, and after the turns r = 0 … 3 it has four channels.
//
// What SwiftShader makes of it decides the rest (read from its machine code):
// - A load of four lanes is 140 instructions, a multiply-add 5, a broadcast 10, a turn 1. Loads are half of the time.
// - An array that is only indexed by constants becomes values. There are sixteen registers, and every use of a value that
//   has none loads it and stores it again. So the window and the weights go into arrays that one store through a variable
//   index keeps in memory; all loads from buffers come before, because each splits the text into blocks, and what lies in
//   memory is addressed directly only within one. Then the weights of one turn, each used in every sum, have the registers.
// - The loop is some 60 KiB of code. In one twice as long a multiply-add takes twice the time: the first instruction cache
//   has 32 to 64 KiB. That limits M and the patch, and is why Winograd's transforms do not pay here.

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

  // Of each value of the window: where it is in a plane, and all bits if it is in the picture.
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
    // Those past the last channel are never stored.
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

  // Turn r of share s is channel s * 4 + (lane ^ r), which is (s * 4 + r) ^ lane. Conditions make no jumps on this driver, so
  // what is seldom wanted is a loop of its own.
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
