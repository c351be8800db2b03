"""The control plane below `/_mock/`: inspection, snapshots and the request journal."""
