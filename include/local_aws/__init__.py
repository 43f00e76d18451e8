"""The embedded local AWS: one process on one port that answers, and acts, like the AWS services Airdock uses."""
