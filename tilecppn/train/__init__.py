"""Train CPPNs: CPPN + GAN + VAE on small images, or a CPPN fitted to one image. Needs torch."""
