// As before.wgsl, of a batch norm that ends in a ReLU and dropout. Its result is 0 where dropout or the ReLU let
// nothing through, and elsewhere what came in was multiplied by `factor`: so no mask has to be worked out again.

@group(0) @binding(13) var<storage, read> y: array<f32>;

fn before(here: u32, d: f32, channel: vec4f) -> f32 {
  return leaky_relu_gradient(y[here], dy[here] * p.factor, 0.0);
}
