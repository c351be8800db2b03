"""Alibaba Cloud OSS, STS and RAM: clients, policies and signatures."""
