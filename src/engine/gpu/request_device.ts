import { MATRIX_FEATURE, SIZED_FEATURE } from './shader/matrix_unit.ts';

/**
 * Requests a device with the adapter's own limits, because the defaults are low, and with the features that kernels can
 * use.
 */
export function requestDevice(adapter: GPUAdapter): Promise<GPUDevice> {
  const wanted: GPUFeatureName[] = ['subgroups', 'shader-f16', 'timestamp-query'] as GPUFeatureName[];
  if (adapter.features.has(MATRIX_FEATURE)) wanted.push(MATRIX_FEATURE, SIZED_FEATURE);
  const limits = [
    'maxStorageBufferBindingSize',
    'maxBufferSize',
    'maxComputeWorkgroupStorageSize',
    'maxComputeInvocationsPerWorkgroup',
    'maxComputeWorkgroupSizeX',
    'maxStorageBuffersPerShaderStage',
  ] as const;
  return adapter.requestDevice({
    requiredFeatures: wanted.filter((feature) => adapter.features.has(feature)),
    requiredLimits: Object.fromEntries(limits.map((name) => [name, adapter.limits[name]])),
  });
}
