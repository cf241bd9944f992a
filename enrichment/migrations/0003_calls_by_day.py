from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('enrichment', '0002_writing_and_people'),
    ]

    operations = [
        migrations.AddIndex(
            model_name='aicall',
            index=models.Index(fields=['created_at'], name='ai_call_created'),
        ),
    ]
