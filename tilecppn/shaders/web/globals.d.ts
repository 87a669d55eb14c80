// What TypeScript's library lacks of WebGPU, and values of the page that scripts share.

interface Navigator {
  gpu?: any;
}
declare const GPUBufferUsage: Record<string, number>;
declare const GPUTextureUsage: Record<string, number>;
declare const GPUMapMode: Record<string, number>;
