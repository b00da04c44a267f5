"""The forward pass: feature maps of images, beside their exact classical counterpart."""
