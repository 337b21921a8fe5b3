"""What a fit may need besides plain phases: normalisation, noise, sparse input, what comes after a step."""
