// Like before.wgsl, for a batch norm that ends in a ReLU and dropout. Its result y is 0 where the ReLU or dropout set
// it to 0, and positive elsewhere. So the mask need not be computed again.

@group(0) @binding(13) var<storage, read> y: array<f32>;

fn before(here: u32, d: f32, channel: vec4f) -> f32 {
  return leaky_relu_gradient(y[here], dy[here] * p.factor, 0.0);
}
