// 2-D convolution, straight from its definition: forward, gradient of the input, gradient of the weight. The faster
// kernels are tested against these, which are easy to check but slow, because they load every operand for every
// multiply-add. Supports any kernel, stride, padding, dilation and number of groups.
//
//   y[n, o, i, j] = bias[o] + sum over c, u, v of
//     w[o, c, u, v] * x[n, first(o) + c, i * stride - pad + u * dilation, j * stride - pad + v * dilation]
//
// where c counts the C / G input channels of o's group, and first(o) is the first of them.
//
// Layout: x (N, C, H, W), w (O, C / G, KH, KW), y (N, O, OH, OW), row-major. Invocations stride through the elements of
// the result.
// Source: Dumoulin & Visin 2016, "A guide to convolution arithmetic for deep learning".

struct Params {
  n: u32,        // elements of the result
  batch: u32,
  in_c: u32,
  in_h: u32,
  in_w: u32,
  out_c: u32,
  out_h: u32,
  out_w: u32,
  kernel_h: u32,
  kernel_w: u32,
  stride_h: u32,
  stride_w: u32,
  pad_h: u32,
  pad_w: u32,
  dilation_h: u32,
  dilation_w: u32,
  groups: u32,
  has_bias: u32,
  // forward: slope of a final leaky ReLU; 1 for none.
  slope: f32,
}

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> w: array<f32>;
@group(0) @binding(3) var<storage, read> bias: array<f32>;
@group(0) @binding(4) var<storage, read> dy: array<f32>;
@group(0) @binding(5) var<storage, read_write> result: array<f32>;

@compute @workgroup_size(64)
fn forward(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  for (var i = id.x; i < p.n; i += groups.x * 64u) {
    let col = i % p.out_w;
    let row = (i / p.out_w) % p.out_h;
    let o = (i / (p.out_w * p.out_h)) % p.out_c;
    let n = i / (p.out_w * p.out_h * p.out_c);
    var sum = 0.0;
    if (p.has_bias != 0u) {
      sum = bias[o];
    }
    let in_each = p.in_c / p.groups;
    let first = o / (p.out_c / p.groups) * in_each;
    for (var c = 0u; c < in_each; c++) {
      for (var u = 0u; u < p.kernel_h; u++) {
        let h = i32(row * p.stride_h + u * p.dilation_h) - i32(p.pad_h);
        for (var v = 0u; v < p.kernel_w; v++) {
          let q = i32(col * p.stride_w + v * p.dilation_w) - i32(p.pad_w);
          if (h >= 0 && h < i32(p.in_h) && q >= 0 && q < i32(p.in_w)) {
            let at = ((n * p.in_c + first + c) * p.in_h + u32(h)) * p.in_w + u32(q);
            sum += w[((o * in_each + c) * p.kernel_h + u) * p.kernel_w + v] * x[at];
          }
        }
      }
    }
    result[i] = leaky_relu(sum, p.slope);
  }
}

// Each output that used this input contributes its gradient times the weight that it used.
@compute @workgroup_size(64)
fn input_gradient(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  for (var i = id.x; i < p.n; i += groups.x * 64u) {
    let col = i % p.in_w;
    let row = (i / p.in_w) % p.in_h;
    let c = (i / (p.in_w * p.in_h)) % p.in_c;
    let n = i / (p.in_w * p.in_h * p.in_c);
    var sum = 0.0;
    if (p.has_bias != 0u) {
      sum = bias[c];
    }
    let in_each = p.in_c / p.groups;
    let out_each = p.out_c / p.groups;
    let first = c / in_each * out_each;
    for (var o = first; o < first + out_each; o++) {
      for (var u = 0u; u < p.kernel_h; u++) {
        let h = i32(row + p.pad_h) - i32(u * p.dilation_h);
        for (var v = 0u; v < p.kernel_w; v++) {
          let q = i32(col + p.pad_w) - i32(v * p.dilation_w);
          if (h >= 0 && q >= 0 && h % i32(p.stride_h) == 0 && q % i32(p.stride_w) == 0) {
            let oh = u32(h) / p.stride_h;
            let ow = u32(q) / p.stride_w;
            if (oh < p.out_h && ow < p.out_w) {
              let at = ((n * p.out_c + o) * p.out_h + oh) * p.out_w + ow;
              sum += w[((o * in_each + c % in_each) * p.kernel_h + u) * p.kernel_w + v] * dy[at];
            }
          }
        }
      }
    }
    result[i] = sum;
  }
}

@compute @workgroup_size(64)
fn weight_gradient(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  for (var i = id.x; i < p.n; i += groups.x * 64u) {
    let v = i % p.kernel_w;
    let u = (i / p.kernel_w) % p.kernel_h;
    let in_each = p.in_c / p.groups;
    let o = i / (p.kernel_w * p.kernel_h * in_each);
    let c = o / (p.out_c / p.groups) * in_each + (i / (p.kernel_w * p.kernel_h)) % in_each;
    var sum = 0.0;
    for (var n = 0u; n < p.batch; n++) {
      for (var row = 0u; row < p.out_h; row++) {
        let h = i32(row * p.stride_h + u * p.dilation_h) - i32(p.pad_h);
        // One partial sum per row limits the rounding error of a long sum.
        var partial = 0.0;
        if (h >= 0 && h < i32(p.in_h)) {
          for (var col = 0u; col < p.out_w; col++) {
            let q = i32(col * p.stride_w + v * p.dilation_w) - i32(p.pad_w);
            if (q >= 0 && q < i32(p.in_w)) {
              let at = ((n * p.in_c + c) * p.in_h + u32(h)) * p.in_w + u32(q);
              partial += x[at] * dy[((n * p.out_c + o) * p.out_h + row) * p.out_w + col];
            }
          }
        }
        sum += partial;
      }
    }
    result[i] = sum;
  }
}
