// The gradient before the leaky ReLU at the end of a batch norm. Appended to batch_norm_backward.wgsl. Recomputes the
// leaky ReLU's input v exactly as the forward pass did; d is x minus the mean.

fn before(here: u32, d: f32, channel: vec4f) -> f32 {
  let v = d * (channel.y * channel.z) + channel.w;
  return leaky_relu_gradient(v, dy[here], p.slope);
}
