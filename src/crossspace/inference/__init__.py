"""What trained models say: of batches, of conversations utterance by utterance, and while a conversation goes on."""
