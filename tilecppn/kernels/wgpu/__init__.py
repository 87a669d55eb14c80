"""The kernel for any GPU: WGSL compute shaders, run by wgpu on Vulkan, Metal or Direct3D 12."""
