"""The wgpu kernel for any GPU: WGSL compute shaders on Vulkan, Metal or Direct3D 12."""
