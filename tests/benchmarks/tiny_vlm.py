"""Write a tiny vision-language model with random weights to a folder; needs torch and transformers.

    python tiny_vlm.py FOLDER

The architecture is LLaVA's: a CLIP picture encoder, a projection, a Llama decoder, each with a few
thousand weights from a fixed seed. The tokenizer knows bytes only and is built by hand, so nothing
is downloaded. What such a model writes means nothing; that it reads a picture and writes tokens
through the real code of a real server is the point.
"""

from __future__ import annotations

import sys
from pathlib import Path

SPECIAL = ("<pad>", "<s>", "</s>", "<image>")
PICTURE_SIDE, PATCH_SIDE = 28, 14
TEMPLATE = (
    "{% for message in messages %}{{ message['role'] }}: "
    "{% for part in message['content'] %}"
    "{% if part['type'] == 'image' %}<image>{% else %}{{ part['text'] }}{% endif %}\n"
    "{% endfor %}{% endfor %}{% if add_generation_prompt %}assistant: {% endif %}"
)


def write(folder: Path, seed: int = 0) -> int:
    """Write model, tokenizer and processor, and return the number of weights."""
    import torch
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers
    from transformers import (
        CLIPImageProcessor,
        CLIPVisionConfig,
        LlamaConfig,
        LlavaConfig,
        LlavaForConditionalGeneration,
        LlavaProcessor,
        PreTrainedTokenizerFast,
    )

    symbols = [*SPECIAL, *sorted(pre_tokenizers.ByteLevel.alphabet())]
    vocabulary = {symbol: number for number, symbol in enumerate(symbols)}
    raw = Tokenizer(models.BPE(vocab=vocabulary, merges=[]))
    raw.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    raw.decoder = decoders.ByteLevel()
    raw.add_special_tokens([AddedToken(token, special=True) for token in SPECIAL])
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=raw,
        pad_token="<pad>",
        bos_token="<s>",
        eos_token="</s>",
        extra_special_tokens={"image_token": "<image>"},
    )
    processor = LlavaProcessor(
        image_processor=CLIPImageProcessor(
            size={"shortest_edge": PICTURE_SIDE},
            crop_size={"height": PICTURE_SIDE, "width": PICTURE_SIDE},
        ),
        tokenizer=tokenizer,
        patch_size=PATCH_SIDE,
        vision_feature_select_strategy="default",
        num_additional_image_tokens=1,
        chat_template=TEMPLATE,
    )
    config = LlavaConfig(
        vision_config=CLIPVisionConfig(
            hidden_size=32,
            intermediate_size=64,
            projection_dim=32,
            num_hidden_layers=2,
            num_attention_heads=2,
            image_size=PICTURE_SIDE,
            patch_size=PATCH_SIDE,
        ),
        text_config=LlamaConfig(
            vocab_size=len(vocabulary),
            hidden_size=32,
            intermediate_size=64,
            num_hidden_layers=2,
            num_attention_heads=2,
            num_key_value_heads=2,
            max_position_embeddings=32_768,
            pad_token_id=vocabulary["<pad>"],
            bos_token_id=vocabulary["<s>"],
            eos_token_id=vocabulary["</s>"],
        ),
        image_token_id=vocabulary["<image>"],
        vision_feature_select_strategy="default",
        vision_feature_layer=-1,
        image_seq_length=(PICTURE_SIDE // PATCH_SIDE) ** 2,
    )
    torch.manual_seed(seed)
    model = LlavaForConditionalGeneration(config).eval()
    model.generation_config.do_sample = False
    model.save_pretrained(folder)
    processor.save_pretrained(folder)
    return sum(weight.numel() for weight in model.parameters())


if __name__ == "__main__":
    print(f"{write(Path(sys.argv[1]))} weights")
