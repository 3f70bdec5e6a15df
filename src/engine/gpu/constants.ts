/** WebGPU's flags by name: Node has no globals for them. Source: the specification's GPUBufferUsage, GPUMapMode, GPUShaderStage. */
export const BufferUsage = {
  MAP_READ: 0x1,
  COPY_SRC: 0x4,
  COPY_DST: 0x8,
  UNIFORM: 0x40,
  STORAGE: 0x80,
  INDIRECT: 0x100,
  QUERY_RESOLVE: 0x200,
} as const;
export const MAP_MODE_READ = 0x1;
export const STAGE_COMPUTE = 0x4;
