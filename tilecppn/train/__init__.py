"""Training: CPPN + GAN + VAE on small images, and a CPPN that learns one image. Needs torch."""
