"""Reference data of the warning service: plain, versioned text; a deployment may mount its own."""
