"""Between devices and cloud: MQTT in, a larger model, drift statistics, an outbox, HTTP batches out."""
